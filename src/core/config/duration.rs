//! Durations. An own parser: humantime's accepts months and years, which are no exact spans, and sums.

use crate::domain::time::Nanos;

/// Nanoseconds in a millisecond.
pub(super) const PER_MILLISECOND: u64 = 1_000_000;

const UNITS: [(&str, u64); 5] = [
    ("ms", PER_MILLISECOND),
    ("s", Nanos::PER_SECOND),
    ("m", 60 * Nanos::PER_SECOND),
    ("h", 3600 * Nanos::PER_SECOND),
    ("d", 86_400 * Nanos::PER_SECOND),
];

/// The duration in `text`: a whole number and a unit.
pub(super) fn parse(text: &str) -> Option<Nanos> {
    let unit_start = text.find(|character: char| !character.is_ascii_digit())?;
    let (digits, unit) = text.split_at_checked(unit_start)?;
    let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit)?;
    digits.parse::<u64>().ok()?.checked_mul(*nanos).map(Nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_and_a_unit_and_nothing_else() {
        for (text, millis) in
            [("100ms", 100), ("1s", 1000), ("5m", 300_000), ("1h", 3_600_000), ("366d", 31_622_400_000)]
        {
            assert_eq!(parse(text), Some(Nanos(millis * 1_000_000)), "{text}");
        }
        for text in [
            "",
            "1",
            "s",
            "1 s",
            " 1s",
            "1s ",
            "+1s",
            "-1s",
            "1.5s",
            "1S",
            "1min",
            "1M",
            "1y",
            "1w",
            "1us",
            "1h30m",
            "1e3s",
            "0x1s",
            "\u{661}s",
            "99999999999999999999s",
            "9999999999999d",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
