//! Quantiles.

/// The value that this part of all values (0 to 1) does not exceed, by the nearest rank. Not for no values.
pub(crate) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let values: Vec<f64> = (1..=30).rev().map(f64::from).collect();
        assert_eq!([0.0, 0.1, 0.5, 0.999, 1.0].map(|part| quantile(&values, part)), [1.0, 3.0, 15.0, 30.0, 30.0]);
        assert_eq!(quantile(&[7.0], 0.1), 7.0);
    }
}
