//! How a request's path is read, and which paths are refused because servers read them differently.
//!
//! Segments are compared as RFC 3986 section 6.2.2 makes them equal: with their escapes read. What it leaves to others,
//! or what some server is known to do beyond it, makes a path ambiguous: empty and dot segments, which some resolve and
//! some do not; separators in escapes; parameters after `;`, which some cut off before they resolve dots; `\` for `/`;
//! escapes in escapes; control characters; text that is not UTF-8, as an overlong `/` is not. A slash at the end is
//! none of these: it makes no segment, and no difference.

use std::borrow::Cow;
use std::str::SplitTerminator;

/// What a request's path says.
pub(super) enum Reading<'a> {
    /// These segments, as they were written, each of which has a [`text`].
    Segments(SplitTerminator<'a, char>),
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
    let segments = str::from_utf8(path).ok().and_then(segments);
    let plain = segments.filter(|segments| segments.clone().all(|segment| text(segment).is_some()));
    plain.map_or(Reading::Ambiguous, Reading::Segments)
}

/// The segments of a path, if it begins with `/`.
pub(super) fn segments(path: &str) -> Option<SplitTerminator<'_, char>> {
    Some(path.strip_prefix('/')?.split_terminator('/'))
}

/// What a segment says; `None` if it is ambiguous.
pub(super) fn text(segment: &str) -> Option<Cow<'_, str>> {
    let text = unescaped(segment)?;
    let escapes_more = text.split('%').skip(1).any(|after| escaped(after).is_some());
    let is_plain = |byte: u8| !byte.is_ascii_control() && !matches!(byte, b'/' | b'\\' | b';');
    let plain = segment.is_ascii()
        && !segment.contains('#')
        && !matches!(&*text, "" | "." | "..")
        && !escapes_more
        && text.bytes().all(is_plain);
    plain.then_some(text)
}

/// A segment with its escapes read (RFC 3986 section 2.1), if they are escapes and what they say is UTF-8.
pub(super) fn unescaped(segment: &str) -> Option<Cow<'_, str>> {
    let Some((before, escapes)) = segment.split_once('%') else { return Some(segment.into()) };
    let mut bytes = Vec::from(before);
    for after in escapes.split('%') {
        let (byte, rest) = escaped(after)?;
        bytes.push(byte);
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// The byte that the two hex digits after a `%` stand for, and what follows them.
fn escaped(after: &str) -> Option<(u8, &str)> {
    let (digits, rest) = after.split_at_checked(2)?;
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|_| hex).map(|byte| (byte, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a path says, its segments after each other with a `|` before each.
    fn said(path: &[u8]) -> String {
        match read(path) {
            Reading::Segments(segments) => segments.map(|segment| format!("|{}", text(segment).unwrap())).collect(),
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
