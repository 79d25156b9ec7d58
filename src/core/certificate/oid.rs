//! Object identifiers in dotted form.

/// The dotted form, such as `2.5.4.3`, of the object identifier with this content in DER (X.690 section 8.19). `None`
/// if the content is not valid, or has an arc of more than 64 bits.
pub(super) fn dotted(content: &[u8]) -> Option<String> {
    let mut dotted = String::new();
    for bytes in content.split_inclusive(is_last) {
        bytes.last().filter(|byte| is_last(byte))?;
        let mut arc = 0_u64;
        for byte in bytes {
            arc = arc.checked_mul(0x80)?.checked_add(u64::from(byte & 0x7f))?;
        }
        if dotted.is_empty() {
            // The first two arcs are encoded as one number: 40 times the first, which is at most 2, plus the second.
            let root = match arc {
                0..40 => "0",
                40..80 => "1",
                _ => "2",
            };
            arc = if root == "2" { arc.saturating_sub(80) } else { arc % 40 };
            dotted.push_str(root);
        }
        dotted.push('.');
        dotted.push_str(&arc.to_string());
    }
    (!dotted.is_empty()).then_some(dotted)
}

/// Whether the byte is the last one of an arc.
fn is_last(byte: &u8) -> bool {
    byte & 0x80 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_stand_between_arcs() {
        for (content, text) in [
            (&b"\x55\x04\x03"[..], "2.5.4.3"),
            (b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", "1.2.840.113549.1.9.1"),
            (b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "0.9.2342.19200300.100.1.25"),
            (b"\x00", "0.0"),
            (b"\x27", "0.39"),
            (b"\x88\x37", "2.999"),
            (b"\x2a\x81\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "1.2.18446744073709551615"),
        ] {
            assert_eq!(dotted(content).as_deref(), Some(text));
        }
    }

    #[test]
    fn nothing_unfinished_or_too_large() {
        for content in [&b""[..], b"\x80", b"\x55\x84", b"\x2a\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00"] {
            assert_eq!(dotted(content), None, "{content:x?}");
        }
    }
}
