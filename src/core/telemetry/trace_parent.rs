//! The trace of a request (W3C Trace Context, section 3.2, `traceparent`).

/// The value of `traceparent` in these headers; `None` if it is missing or occurs more than once.
pub(crate) fn parent<'h>(headers: impl Iterator<Item = (&'h [u8], &'h [u8])>) -> Option<&'h [u8]> {
    let mut said = headers.filter(|(name, _)| *name == b"traceparent").map(|(_, value)| value);
    said.next().filter(|_| said.next().is_none())
}

/// The trace-id of `header`, which has version, trace-id, parent-id and flags in lower-case hexadecimal digits;
/// trace-id and parent-id are not all zeros. Later versions may have more fields at the end.
pub(crate) fn id(header: &[u8]) -> Option<&[u8]> {
    let (known, more) = header.split_at_checked(55)?;
    let (version, id, parent) = (known.get(..2)?, known.get(3..35)?, known.get(36..52)?);
    let plain = known.iter().enumerate().all(|(place, byte)| match place {
        2 | 35 | 52 => *byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    });
    let zeros = |part: &[u8]| part.iter().all(|byte| *byte == b'0');
    let ends = more.is_empty() || (more.starts_with(b"-") && version != b"00");
    (plain && ends && version != b"ff" && !zeros(id) && !zeros(parent)).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::id;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn what_the_specification_wants_has_an_id() {
        for header in [
            format!("00-{ID}-00f067aa0ba902b7-01"),
            format!("00-{ID}-0000000000000001-00"),
            format!("cc-{ID}-00f067aa0ba902b7-ff"),
            format!("cc-{ID}-00f067aa0ba902b7-01-what-comes-later"),
        ] {
            assert_eq!(id(header.as_bytes()), Some(ID.as_bytes()), "{header}");
        }
    }

    #[test]
    fn anything_else_has_none() {
        for header in [
            String::new(),
            "-".repeat(70),
            ID.to_owned(),
            format!("00-{ID}"),
            format!("00-{ID}-00f067aa0ba902b7"),
            format!("00-{ID}-00f067aa0ba902b7-1"),
            format!("00-{ID}-00f067aa0ba902b7-01-more"),
            format!("00-{ID}-00f067aa0ba902b7-01 "),
            format!(" 00-{ID}-00f067aa0ba902b7-01"),
            format!("ff-{ID}-00f067aa0ba902b7-01"),
            format!("0-{ID}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", ID.to_uppercase()),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{ID:.31}-00f067aa0ba902b7-01"),
            format!("00-{ID}0-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", "\"\r\n".repeat(11)),
            format!("00-{ID}-0000000000000000-01"),
            format!("00-{ID}-00F067aa0ba902b7-01"),
            format!("00-{ID}-00f067aa0ba902b7-0x"),
            format!("00_{ID}_00f067aa0ba902b7_01"),
        ] {
            assert_eq!(id(header.as_bytes()), None, "{header}");
        }
    }
}
