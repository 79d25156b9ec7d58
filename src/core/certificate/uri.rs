//! URIs (RFC 3986) that a pattern with `*` for a segment may match.

use super::spiffe;

/// Whether the path of this URI has plain segments only, so that a `*` may match each: none is empty or a dot segment,
/// each has the characters of a segment (RFC 3986 section 3.3), and neither query nor fragment follows. A `spiffe` URI
/// must be the SPIFFE ID of a workload.
pub(super) fn is_plain(uri: &str) -> bool {
    if uri.starts_with("spiffe:") {
        return spiffe::is_workload_id(uri);
    }
    let Some((_, rest)) = uri.split_once("://") else { return false };
    let Some((authority, path)) = rest.split_once('/') else { return false };
    !authority.contains(['?', '#']) && path.split('/').all(is_segment)
}

/// Whether the segment is not empty, is no dot segment (in encoded form neither), and has the characters of a segment.
fn is_segment(segment: &str) -> bool {
    let (mut dots, mut others) = (0_usize, false);
    let mut rest = segment.as_bytes();
    while let [byte, after @ ..] = rest {
        let (is_dot, after) = match (byte, after) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (*high == b'2' && low.eq_ignore_ascii_case(&b'e'), after)
            }
            (b'%', _) => return false,
            _ if is_pchar(*byte) => (*byte == b'.', after),
            _ => return false,
        };
        dots = dots.saturating_add(usize::from(is_dot));
        others |= !is_dot;
        rest = after;
    }
    others || dots > 2
}

/// Whether the character is allowed in a segment without encoding.
fn is_pchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
}
