//! The segments of a path: the one spelling of each, and segments that are ambiguous.
//!
//! The spelling of a segment has escapes (RFC 3986 section 2.1) only for characters that do not stand for themselves, in
//! upper-case digits.
//!
//! A segment is ambiguous where RFC 3986 leaves its meaning open, or where some server is known to read it differently:
//! - empty segments and dot segments: some servers resolve them, others do not;
//! - `/`, `\`, `;`, `?` and `#` in escapes, and `\`, `;` and `#` without: some servers decode a path and split it again
//!   (Apache's `mod_rewrite` ends it at `%3f`, Java's servers at `;`);
//! - a dot or a space at the end, and `:$`: Windows opens `admin` for `admin.`, `admin%20`, `admin::$DATA`;
//! - characters that NFKC or Windows' best fit turns into one of these, such as the full-width `/` (U+FF0F) and the Yen
//!   sign, which is `\` in code page 932;
//! - control characters, escapes in escapes, broken escapes, and text that is not UTF-8, such as an overlong `/`.
//!
//! Segments are not ambiguous for: letters in another case or width, which many servers distinguish and ordinary paths
//! have; a space at the start, which no known server drops; `+`, which is a space in queries only; a colon of another width,
//! which occurs in many titles; and 8.3 names on Windows (`ADMINI~1`), which look like other names.

use std::borrow::Cow;

/// Whether a segment is its own spelling by its characters alone.
pub(super) fn is_plain(segment: &[u8]) -> bool {
    segment.iter().all(is_common) && !ends_alike(segment)
}

/// The spelling of a segment; `None` if the segment is ambiguous.
pub(super) fn spelling(segment: &[u8]) -> Option<Cow<'_, [u8]>> {
    if is_plain(segment) {
        return Some(segment.into());
    }
    let bytes = unescaped(segment)?;
    let text = str::from_utf8(&bytes).ok()?;
    let escapes_more = bytes.split(|byte| *byte == b'%').skip(1).any(|after| escaped(after).is_some());
    let plain = segment.is_ascii()
        && !segment.contains(&b'#')
        && !escapes_more
        && !ends_alike(&bytes)
        && !ends_in_another_width(text)
        && !text.contains(":$")
        && !text.chars().any(is_read_differently);
    plain.then(|| escape(&bytes).into())
}

/// Whether the byte stands for itself in any place of a segment (RFC 3986 section 3.3). `;` and `$`, which may follow `:`,
/// are left out.
fn is_common(byte: &u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'@'..=b'Z' | b'&'..=b'.' | b'0'..=b':' | b'_' | b'~' | b'!' | b'=')
}

/// Whether some servers read the segment as another because of its end: it is empty, or ends in a dot, as dot segments do,
/// or in a space.
fn ends_alike(segment: &[u8]) -> bool {
    segment.last().is_none_or(|byte| matches!(byte, b'.' | b' '))
}

/// Whether some servers turn the last character into dots or a space.
fn ends_in_another_width(text: &str) -> bool {
    let last = text.chars().next_back();
    matches!(last, Some('\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{2026}' | '\u{202f}' | '\u{205f}' | '\u{3000}'))
}

/// Whether some servers read the character as a delimiter, or drop it.
fn is_read_differently(character: char) -> bool {
    character.is_control() || DELIMITERS.contains(&character)
}

/// Delimiters, and characters that NFKC or Windows' best fit turns into `/`, `\`, `;`, `?`, `#`, `%` or dots. In this order:
/// ASCII; Yen sign, won sign, Greek question mark; one and two dot leader, fraction slash, division slash, set minus;
/// small full stop, semicolon, question mark, number sign, reverse solidus, percent sign; of full width, number sign,
/// percent sign, full stop, solidus, semicolon, question mark, reverse solidus.
#[rustfmt::skip]
const DELIMITERS: [char; 26] = [
    '/', '\\', ';', '?', '#',
    '\u{a5}', '\u{20a9}', '\u{37e}',
    '\u{2024}', '\u{2025}', '\u{2044}', '\u{2215}', '\u{2216}',
    '\u{fe52}', '\u{fe54}', '\u{fe56}', '\u{fe5f}', '\u{fe68}', '\u{fe6a}',
    '\u{ff03}', '\u{ff05}', '\u{ff0e}', '\u{ff0f}', '\u{ff1b}', '\u{ff1f}', '\u{ff3c}',
];

/// The spelling of these bytes: escapes for those that do not stand for themselves.
fn escape(bytes: &[u8]) -> Vec<u8> {
    let digit = |value: u8| if value < 10 { b'0'.saturating_add(value) } else { b'7'.saturating_add(value) };
    let mut segment = Vec::new();
    for byte in bytes {
        if is_common(byte) || *byte == b'$' {
            segment.push(*byte);
        } else {
            segment.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    segment
}

/// A segment with its escapes decoded (RFC 3986 section 2.1); `None` if one is broken.
pub(super) fn unescaped(segment: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !segment.contains(&b'%') {
        return Some(segment.into());
    }
    let mut parts = segment.split(|byte| *byte == b'%');
    let mut bytes = parts.next()?.to_vec();
    for after in parts {
        let (byte, rest) = escaped(after)?;
        bytes.push(byte);
        bytes.extend(rest);
    }
    Some(bytes.into())
}

/// The byte of the two hexadecimal digits after a `%`, and the bytes after them.
fn escaped(after: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = after.split_at_checked(2)?;
    let hex = digits.iter().all(u8::is_ascii_hexdigit);
    let byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok().filter(|_| hex)?;
    Some((byte, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_has_one_spelling() {
        for (segments, spelled) in [
            (&["a:b", "a%3Ab", "a%3ab", "%61:b"][..], "a:b"),
            (&["a%20b", "%61%20b"], "a%20b"),
            (&["%C3%A4", "%c3%a4", "%c3%A4"], "%C3%A4"),
            (&["a^", "a%5e", "a%5E"], "a%5E"),
            (&["[", "%5b"], "%5B"),
            (&["%25zz"], "%25zz"),
            (&["-._~!$&'()*+,=:@0", "%2D._%7e%21%24%26%27%28%29%2A%2b%2c%3d:%40%30"], "-._~!$&'()*+,=:@0"),
        ] {
            for segment in segments {
                assert_eq!(spelling(segment.as_bytes()).as_deref(), Some(spelled.as_bytes()), "{segment}");
            }
        }
    }
}
