//! How a request's path is read, and which paths are refused because servers read them differently.
//!
//! Segments are compared as RFC 3986 section 6.2.2 makes them equal: with their escapes read. What it leaves to others,
//! or what some server is known to do beyond it, makes a path ambiguous: empty and dot segments, which some resolve and
//! some do not; separators in escapes; parameters after `;`, which some cut off before they resolve dots; `\` for `/`;
//! escapes in escapes; control characters; text that is not UTF-8, as an overlong `/` is not. A slash at the end is
//! none of these: it makes no segment, and no difference.

use std::borrow::Cow;

/// What a request's path says.
pub(super) enum Reading<'a> {
    /// These segments, as they were written, each of which has a [`text`].
    Segments(Segments<'a>),
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
    let plain = segments(path).filter(|segments| segments.clone().all(|segment| text(segment).is_some()));
    plain.map_or(Reading::Ambiguous, Reading::Segments)
}

/// The segments of a path, if it begins with `/`.
pub(super) fn segments(path: &[u8]) -> Option<Segments<'_>> {
    path.strip_prefix(b"/").map(Segments)
}

/// What stands between slashes, but for nothing after the last one.
#[derive(Clone, Debug)]
pub(super) struct Segments<'a>(&'a [u8]);

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

/// What a segment says; `None` if it is ambiguous.
pub(super) fn text(segment: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !segment.iter().all(is_itself) {
        return escaped_text(segment);
    }
    (!is_dots(segment)).then_some(segment.into())
}

/// The same, where some character is not all that it is in most segments.
fn escaped_text(segment: &[u8]) -> Option<Cow<'_, [u8]>> {
    let text = unescaped(segment)?;
    let escapes_more = text.split(|byte| *byte == b'%').skip(1).any(|after| escaped(after).is_some());
    let is_plain = |byte: &u8| !byte.is_ascii_control() && !matches!(byte, b'/' | b'\\' | b';');
    let plain = segment.is_ascii()
        && !segment.contains(&b'#')
        && !is_dots(&text)
        && !escapes_more
        && text.iter().all(is_plain)
        && str::from_utf8(&text).is_ok();
    plain.then_some(text)
}

/// Whether the character stands for itself wherever it is (RFC 3986 section 3.3, but for `;`).
fn is_itself(byte: &u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'@'..=b'Z' | b'&'..=b'.' | b'0'..=b':' | b'_' | b'~' | b'!' | b'$' | b'=')
}

/// Whether servers may take the segment for something else than a name (RFC 3986 section 5.2.4).
fn is_dots(segment: &[u8]) -> bool {
    matches!(segment, b"" | b"." | b"..")
}

/// A segment with its escapes read (RFC 3986 section 2.1), if they are escapes.
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

    /// What a path says, its segments after each other with a `|` before each.
    fn said(path: &[u8]) -> String {
        match read(path) {
            Reading::Segments(segments) => segments
                .map(|segment| format!("|{}", String::from_utf8(text(segment).unwrap().into_owned()).unwrap()))
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
            ("/%3f%23%2a", "|?#*"),
            ("/%25/%25zz/%25+4/100%25", "|%|%zz|%+4|100%"),
            ("/.../.a/a./..a/-", "|...|.a|a.|..a|-"),
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
}
