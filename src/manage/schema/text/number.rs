//! Numbers in texts, as regular expressions.

use super::Form;

/// A pattern of the decimal numbers from `least` to `most`, without zeros before them.
pub(super) fn decimal(least: u64, most: u64) -> String {
    let (least, most) = (least.to_string(), most.to_string());
    let Some(others) = most.len().checked_sub(1).filter(|_| least.len() < most.len()) else {
        return between(least.as_bytes(), most.as_bytes());
    };
    let mut alternatives = vec![between(least.as_bytes(), "9".repeat(least.len()).as_bytes())];
    if least.len() < others {
        alternatives.push(format!("[1-9][0-9]{{{},{}}}", least.len(), others.saturating_sub(1)));
    }
    alternatives.push(between(format!("1{}", "0".repeat(others)).as_bytes(), most.as_bytes()));
    one_of(alternatives)
}

/// A pattern of the digits from `low` to `high`, which are as many.
fn between(low: &[u8], high: &[u8]) -> String {
    let (Some((first, low)), Some((last, high))) = (low.split_first(), high.split_first()) else {
        return String::new();
    };
    if first == last {
        return format!("{}{}", char::from(*first), between(low, high));
    }
    let [zeros, nines] = [b'0', b'9'].map(|digit| vec![digit; low.len()]);
    let (mut alternatives, mut from, mut to) = (Vec::new(), *first, *last);
    if low != zeros {
        alternatives.push(format!("{}{}", char::from(from), between(low, &nines)));
        from = from.saturating_add(1);
    }
    let mut highest = None;
    if high != nines {
        highest = Some(format!("{}{}", char::from(to), between(&zeros, high)));
        to = to.saturating_sub(1);
    }
    if from <= to {
        alternatives.push(format!("{}{}", digits(from, to), any(low.len())));
    }
    alternatives.extend(highest);
    one_of(alternatives)
}

fn digits(from: u8, to: u8) -> String {
    let (from, to) = (char::from(from), char::from(to));
    if from == to { from.to_string() } else { format!("[{from}-{to}]") }
}

/// A pattern of so many digits.
fn any(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "[0-9]".to_owned(),
        _ => format!("[0-9]{{{count}}}"),
    }
}

fn one_of(mut alternatives: Vec<String>) -> String {
    match alternatives.len() {
        1 => alternatives.pop().unwrap_or_default(),
        _ => format!("({})", alternatives.join("|")),
    }
}

/// A pattern of the numbers from `least` to `most` that have more than 31 bits. Envoy reads them from YAML as text.
/// `None` if there are none.
pub(in crate::schema) fn large_number(least: u64, most: u64) -> Option<String> {
    let least = least.max(1 << 31);
    (least <= most).then(|| format!("^{}$", decimal(least, most)))
}

/// Shares in per cent.
pub(super) fn share() -> Vec<Form> {
    vec![Form::of(format!("^{}%$", decimal(1, 100)))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    #[test]
    fn a_range_has_its_numbers_and_no_others() {
        for (least, most) in [(0, 9), (1, 366), (17, 17), (100, 1000), (95, 1203), (0, 999), (512, 513), (7, 80)] {
            let pattern = Regex::new(&format!("^{}$", decimal(least, most))).unwrap();
            for number in 0..2000 {
                assert_eq!(
                    pattern.is_match(&number.to_string()),
                    (least..=most).contains(&number),
                    "{number} {pattern}"
                );
            }
            assert!(!pattern.is_match("") && !pattern.is_match("007") && !pattern.is_match("00"));
        }
    }

    #[test]
    fn long_numbers_end_where_they_should() {
        let pattern = Regex::new(&large_number(1, 1 << 53).unwrap()).unwrap();
        for (number, is) in [
            ("2147483647", false),
            ("2147483648", true),
            ("3000000000", true),
            ("9007199254740992", true),
            ("9007199254740993", false),
            ("10000000000000000", false),
        ] {
            assert_eq!(pattern.is_match(number), is, "{number}");
        }
        assert_eq!(large_number(0, 100_000), None);
    }
}
