//! The segments of a request's path, and paths that are refused because servers read them differently.
//!
//! Envoy's router compares bytes. A segment is therefore compared in its one spelling ([`segment::spelling`]). Another
//! spelling of the same text takes another route in Envoy, and matches no pattern's text. A path is ambiguous if one of
//! its segments is.

use super::segment::{self, is_plain};

/// A request's path.
pub(super) enum Reading<'a> {
    /// Segments.
    Segments {
        /// The segments as the client wrote them.
        written: Segments<'a>,
        /// The path with the spelling of each segment, if the client wrote another.
        respelled: Option<Vec<u8>>,
    },
    /// No path: the request has none (`CONNECT`), or `*` (RFC 9110 section 9.3.7).
    None,
    /// Servers read the path differently.
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

/// The segments between slashes. A slash at the end makes no segment.
#[derive(Clone, Debug)]
pub(super) struct Segments<'a>(&'a [u8]);

impl<'a> Segments<'a> {
    /// The segments of a path; none if it does not begin with `/`.
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

/// The path with the spelling of each of these segments; `None` if one is ambiguous.
fn respelled(segments: Segments<'_>) -> Option<Vec<u8>> {
    let mut path = Vec::new();
    for segment in segments {
        path.push(b'/');
        path.extend_from_slice(&segment::spelling(segment)?);
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use segment::unescaped;

    /// The text of a path: its segments, with a `|` before each.
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
    fn a_path_is_respelled_by_segments() {
        for (path, other) in
            [("/a/b/", None), ("/a%20b", None), ("/%61/b", Some("/a/b")), ("/b/%c3%a4", Some("/b/%C3%A4"))]
        {
            let Reading::Segments { respelled, .. } = read(path.as_bytes()) else { panic!("{path}") };
            assert_eq!(respelled.as_deref(), other.map(str::as_bytes), "{path}");
        }
    }
}
