//! Names in error messages: lists of them, and the one that was probably meant. Does not know the schema.

use std::fmt;

/// The most names that a list prints.
const MOST: usize = 12;

/// The first names, and the number of the others.
pub(super) fn list<T: fmt::Display>(names: &[T]) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        if names.is_empty() {
            return f.write_str("there are none");
        }
        for (index, name) in names.iter().take(MOST).enumerate() {
            write!(f, "{}`{name}`", if index == 0 { "" } else { ", " })?;
        }
        match names.len().saturating_sub(MOST) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    })
}

/// The name in `known` that is nearest to `key`, if it is near enough to be meant.
pub(super) fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    // Longer keys are no typing errors, and the comparison is quadratic.
    if key.len() > 32 {
        return None;
    }
    let key = key.to_ascii_lowercase();
    let (distance, name) = known.iter().map(|name| (distance(&key, name), *name)).min()?;
    (distance <= 2 && distance < key.len()).then_some(name)
}

/// The Levenshtein distance in bytes: insertions, deletions and replacements.
fn distance(from: &str, to: &str) -> usize {
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (row, byte) in from.bytes().enumerate() {
        let (mut diagonal, mut left) = (row, row.saturating_add(1));
        if let Some(first) = above.first_mut() {
            *first = left;
        }
        for (cell, other) in above.iter_mut().skip(1).zip(to.bytes()) {
            let replaced = diagonal.saturating_add((byte != other).into());
            diagonal = *cell;
            left = replaced.min(left.saturating_add(1)).min(cell.saturating_add(1));
            *cell = left;
        }
    }
    above.pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (from, to, expected) in
            [("", "", 0), ("", "ab", 2), ("ab", "", 2), ("kitten", "sitting", 3), ("teir", "tier", 2), ("a", "a", 0)]
        {
            assert_eq!(distance(from, to), expected, "{from} {to}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_nothing_else() {
        let known = ["alias", "tier", "enabled", "credentials"];
        assert_eq!(nearest("Teir", &known), Some("tier"));
        assert_eq!(nearest("credential", &known), Some("credentials"));
        assert_eq!(nearest("x", &known), None);
        assert_eq!(nearest("groups", &known), None);
    }

    #[test]
    fn lists_are_bounded() {
        assert_eq!(list::<&str>(&[]).to_string(), "there are none");
        assert_eq!(list(&["a", "b"]).to_string(), "`a`, `b`");
        assert!(list(&(0..20).collect::<Vec<_>>()).to_string().ends_with("`11` and 8 more"));
    }
}
