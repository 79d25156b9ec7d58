//! How a request's path is read, and which paths are refused because servers read them differently.
//!
//! Envoy's router compares bytes, so a segment is compared in the one spelling that [`spelling`] gives it: with escapes
//! (RFC 3986 section 2.1) for those characters alone that do not stand for themselves, in upper-case digits. Another
//! spelling of the same text goes another way in Envoy, and matches no pattern's text.
//!
//! A path is ambiguous where RFC 3986 leaves its meaning to others, or some server is known to read it in another way:
//! - empty segments and dot segments, which some servers resolve and some do not;
//! - `/`, `\`, `;`, `?` and `#` in escapes, and `\`, `;` and `#` as they are: some servers decode a path and then take it
//!   apart again (Apache's `mod_rewrite` cuts it off at `%3f`, Java's servers at `;`);
//! - a dot or a space at the end of a segment, and `:$`: Windows opens `admin` for `admin.`, `admin%20`, `admin::$DATA`;
//! - characters that NFKC or Windows' best fit make one of these, such as the full-width `/` (U+FF0F) and the Yen sign,
//!   which is `\` in code page 932;
//! - control characters, escapes in escapes, broken escapes, and text that is not UTF-8, such as an overlong `/`.
//!
//! A slash at the end is none of these: it makes no segment, and no difference. Not on the list: letters in another case
//! or width, which many servers tell apart and ordinary paths have; a space at the beginning of a segment, which no known
//! server drops; `+`, a space in queries alone; a colon of another width, which stands in many titles; names of 8.3
//! characters on Windows (`ADMINI~1`), which look like others.

use std::borrow::Cow;

/// A request's path, as it is read.
pub(super) enum Reading<'a> {
    /// Segments.
    Segments {
        /// As the client wrote them.
        written: Segments<'a>,
        /// The path with the spelling of each, if that is another.
        respelled: Option<Vec<u8>>,
    },
    /// Nothing: the request has no path (`CONNECT`), or `*` for one (RFC 9110 section 9.3.7).
    None,
    /// One thing to one server, another to another.
    Ambiguous,
}

/// Reads a request's path, without its query.
pub(super) fn read(path: &[u8]) -> Reading<'_> {
    if matches!(path, b"" | b"*") {
        return Reading::None;
    }
    let path = path.split(|byte| *byte == b'?').next().unwrap_or_default();
    let Some(written) = segments(path) else { return Reading::Ambiguous };
    if written.clone().all(is_plain) {
        return Reading::Segments { written, respelled: None };
    }
    match respelled(written.clone()) {
        Some(other) => Reading::Segments { written, respelled: (other != path).then_some(other) },
        None => Reading::Ambiguous,
    }
}

/// The segments of a path, if it begins with `/`.
pub(super) fn segments(path: &[u8]) -> Option<Segments<'_>> {
    path.strip_prefix(b"/").map(Segments)
}

/// What stands between slashes, but for nothing after the last one.
#[derive(Clone, Debug)]
pub(super) struct Segments<'a>(&'a [u8]);

impl<'a> Segments<'a> {
    /// Those of a path, or none.
    pub(super) fn of(path: &'a [u8]) -> Self {
        segments(path).unwrap_or(Self(b""))
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let Self(rest) = self;
        if rest.is_empty() {
            return None;
        }
        let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
        let (segment, after) = rest.split_at_checked(end)?;
        *rest = after.get(1..).unwrap_or_default();
        Some(segment)
    }
}

/// The path with the spelling of each of these segments, if none is ambiguous.
fn respelled(segments: Segments<'_>) -> Option<Vec<u8>> {
    let mut path = Vec::new();
    for segment in segments {
        path.push(b'/');
        path.extend_from_slice(&spelling(segment)?);
    }
    Some(path)
}

/// Whether a segment is its own spelling, for which its characters alone need to be looked at.
fn is_plain(segment: &[u8]) -> bool {
    segment.iter().all(is_common) && !ends_alike(segment)
}

/// The one spelling in which a segment is compared; `None` if the segment is ambiguous.
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

/// Whether a segment stands for itself wherever it is (RFC 3986 section 3.3), but for `;`, and `$`, which may follow `:`.
fn is_common(byte: &u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'@'..=b'Z' | b'&'..=b'.' | b'0'..=b':' | b'_' | b'~' | b'!' | b'=')
}

/// Whether some servers take a segment with this end for another: it is empty, or ends in a dot, as dot segments do, or
/// in a space.
fn ends_alike(segment: &[u8]) -> bool {
    segment.last().is_none_or(|byte| matches!(byte, b'.' | b' '))
}

/// Whether some servers make the last character a dot or a space, or dots.
fn ends_in_another_width(text: &str) -> bool {
    let last = text.chars().next_back();
    matches!(last, Some('\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{2026}' | '\u{202f}' | '\u{205f}' | '\u{3000}'))
}

/// Whether some servers take the character for a delimiter, or for nothing.
fn is_read_differently(character: char) -> bool {
    character.is_control() || DELIMITERS.contains(&character)
}

/// Delimiters, and characters that NFKC or Windows' best fit make `/`, `\`, `;`, `?`, `#`, `%` or dots. In this order: those
/// of ASCII; Yen sign, won sign, Greek question mark; one and two dot leader, fraction slash, division slash, set minus;
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

/// Bytes with escapes for those that do not stand for themselves.
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

/// A segment with its escapes read (RFC 3986 section 2.1), if they are escapes.
fn unescaped(segment: &[u8]) -> Option<Cow<'_, [u8]>> {
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

/// The byte that the two hex digits after a `%` stand for, and what follows them.
fn escaped(after: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = after.split_at_checked(2)?;
    let hex = digits.iter().all(u8::is_ascii_hexdigit);
    let byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok().filter(|_| hex)?;
    Some((byte, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of a path, its segments after each other with a `|` before each.
    fn said(path: &[u8]) -> String {
        match read(path) {
            Reading::Segments { written, .. } => written
                .map(|segment| format!("|{}", String::from_utf8(unescaped(segment).unwrap().into_owned()).unwrap()))
                .collect(),
            Reading::None => "none".into(),
            Reading::Ambiguous => "ambiguous".into(),
        }
    }

    #[test]
    fn plain_paths_say_one_thing() {
        for (path, expected) in [
            ("/", ""),
            ("/a", "|a"),
            ("/a/", "|a"),
            ("/a/b", "|a|b"),
            ("/A/b", "|A|b"),
            ("/?", ""),
            ("/a?b=//../%2f#;\\%zz", "|a"),
            ("/a/?b?c", "|a"),
            ("/%61%62/%7E", "|ab|~"),
            ("/a%20b+c", "|a b+c"),
            ("/%c3%A4", "|ä"),
            ("/%2a%5b%22", "|*[\""),
            ("/%ef%bd%81%ef%bc%9a%e2%80%a6x", "|ａ：…x"),
            ("/a%c2%a0b/%e3%80%80a/%c2%a3%c2%a6", "|a\u{a0}b|\u{3000}a|£¦"),
            ("/$a/a$:/a:b$", "|$a|a$:|a:b$"),
            ("/%20a/a%20b/.a/a..b/+", "| a|a b|.a|a..b|+"),
            ("/%25/%25zz/%25+4/100%25", "|%|%zz|%+4|100%"),
            ("/.a/..a/-", "|.a|..a|-"),
            ("/*/**/{a}", "|*|**|{a}"),
            ("/a:b@c,d=e!$&'()", "|a:b@c,d=e!$&'()"),
            ("", "none"),
            ("*", "none"),
        ] {
            assert_eq!(said(path.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn other_paths_are_ambiguous() {
        for path in [
            "//",
            "//a",
            "/a//",
            "/a//b",
            "///",
            "/.",
            "/..",
            "/./",
            "/../",
            "/a/.",
            "/a/..",
            "/a/./b",
            "/a/../b",
            "/a/../",
            "/%2e",
            "/%2E%2e/a",
            "/.%2e",
            "/%2e./",
            "/a%2fb",
            "/a%2Fb",
            "/%2f",
            "/a%5cb",
            "/a%5Cb",
            "/a\\b",
            "/\\",
            "/..\\a",
            "/a;v=1",
            "/a;",
            "/;",
            "/a/..;/b",
            "/a%3bb",
            "/a%3B",
            "/a#b",
            "/#",
            "/a#?b",
            "/a\0",
            "/a\n",
            "/a\tb",
            "/\x7f",
            "/%00",
            "/%0a",
            "/%0D",
            "/%1f",
            "/%7f",
            "/%7F",
            "/ä",
            "/a/ä?",
            "/%",
            "/%4",
            "/%zz",
            "/%4g",
            "/%+4",
            "/% 4",
            "/a%/b",
            "/%u002f",
            "/%%41",
            "/%252e",
            "/%252E%252e",
            "/%252f",
            "/%2541",
            "/%25%34%31",
            "/%2%35",
            "/%252%35",
            "/%%32%65",
            "/.../",
            "/a.",
            "/a./b",
            "/a..",
            "/a%2e",
            "/a%20",
            "/a%20/b",
            "/%20",
            "/a.%20",
            "/a%3f",
            "/a%3Fb",
            "/%3f",
            "/a%23",
            "/%23a",
            "/a::$DATA",
            "/a:$I30:$INDEX_ALLOCATION",
            "/a:%24b",
            "/a%3a%3A%24DATA",
            "/%c2%80",
            "/a%c2%9f",
            "/%e2%80%a4",
            "/a%e2%80%A5",
            "/%e2%81%84",
            "/a%e2%88%95b",
            "/%ef%b9%92",
            "/%ef%b9%a8",
            "/%EF%BC%8E%ef%bc%8e",
            "/%ef%bc%8fadmin",
            "/%ef%bc%bc",
            "/a%c2%a5b",
            "/%e2%82%a9",
            "/a%cd%bev=1",
            "/a%e2%88%96b",
            "/a%ef%b9%94",
            "/a%ef%b9%96",
            "/a%ef%b9%9f",
            "/%ef%b9%aa2e",
            "/a%ef%bc%83",
            "/%ef%bc%852e",
            "/a%ef%bc%9bv=1",
            "/a%ef%bc%9fb",
            "/a%c2%a0",
            "/a%e2%80%83/b",
            "/a%e2%80%a6",
            "/a%e2%80%af",
            "/a%e2%81%9f",
            "/a%e3%80%80",
            "/%c0%af",
            "/%c0%ae",
            "/%e0%80%af",
            "/%ff",
            "/%e4",
            "/%ed%a0%80",
            "a",
            "a/b",
            "?",
            "?a",
            "*?",
            "**",
            "*/a",
            "%2fa",
            "http://a.com/a",
            "a.com:443",
            "#",
            "\\a",
            " /a",
        ] {
            assert_eq!(said(path.as_bytes()), "ambiguous", "{path:?}");
        }
        for path in [&b"/\xff"[..], b"/a/\xc3", b"\xff", b"/\x80?"] {
            assert_eq!(said(path), "ambiguous", "{path:?}");
        }
        assert_eq!(said(b"/a?\xff\0"), "|a");
    }

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
        for (path, other) in
            [("/a/b/", None), ("/a%20b", None), ("/%61/b", Some("/a/b")), ("/b/%c3%a4", Some("/b/%C3%A4"))]
        {
            let Reading::Segments { respelled, .. } = read(path.as_bytes()) else { panic!("{path}") };
            assert_eq!(respelled.as_deref(), other.map(str::as_bytes), "{path}");
        }
    }
}
