//! The path patterns of rules.

use super::path::segments;
use super::segment::spelling;

/// The most segments of a pattern.
pub const MAX_SEGMENTS: usize = 64;

const BEGINNING: &str = "a path that begins with `/`";
const SEGMENT: &str = "segments that are text, `*` or a `{name}`: a wildcard stands for a whole segment";
const REST: &str = "`**` only as the last segment";
const PLAIN: &str = "segments that every server reads alike: none empty or with `.` or a space at its end, no `?`, `#`, \
                     `;`, `\\`, `:$` or control character, nor in escapes; no `/` or `%41` in escapes; and other than \
                     ASCII as UTF-8 in escapes (`%C3%A4`), without characters that some servers make one of these";
const SHORTER: &str = "at most 64 segments";

/// A pattern by its segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    pub(super) segments: Vec<Segment>,
    /// Whether the pattern matches all paths below it too.
    pub(super) below: bool,
}

/// A segment of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A text, in its [`spelling`].
    Text(Box<[u8]>),
    /// A wildcard.
    Any,
}

impl PathPattern {
    /// The pattern in `text`; `None` if it matches all paths. It begins with `/`. `*` and `{name}` match any segment,
    /// `**` at the end any number of segments, also none: `/a/**` matches `/a` and all paths below it. The rest is
    /// compared in its spelling, with case. A slash at the end makes no difference.
    ///
    /// # Errors
    ///
    /// The expected form of the pattern.
    pub fn parse(text: &str) -> Result<Option<Self>, &'static str> {
        let mut pattern = Self { segments: Vec::new(), below: false };
        for segment in segments(text.as_bytes()).ok_or(BEGINNING)? {
            match segment {
                _ if pattern.below => return Err(REST),
                b"**" => pattern.below = true,
                _ if pattern.segments.len() == MAX_SEGMENTS => return Err(SHORTER),
                segment => pattern.segments.push(Segment::parse(segment)?),
            }
        }
        let all = pattern.below && pattern.segments.is_empty();
        Ok((!all).then_some(pattern))
    }

    /// The segments of the pattern.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether the pattern matches paths below it too.
    pub fn is_below(&self) -> bool {
        self.below
    }
}

impl Segment {
    fn parse(segment: &[u8]) -> Result<Self, &'static str> {
        let variable = segment.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
        if segment == b"*" || variable.is_some_and(is_name) {
            Ok(Self::Any)
        } else if segment.iter().any(|byte| b"*{}".contains(byte)) {
            Err(SEGMENT)
        } else if segment.contains(&b'?') {
            Err(PLAIN)
        } else {
            spelling(segment).map(|text| Self::Text(text.into())).ok_or(PLAIN)
        }
    }
}

/// Whether the text can stand in braces.
fn is_name(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pattern in its spelling.
    fn spelled(text: &str) -> Result<String, &'static str> {
        let Some(PathPattern { segments, below }) = PathPattern::parse(text)? else { return Ok("all".into()) };
        let segments = segments.iter().map(|segment| match segment {
            Segment::Text(text) => format!("/{}", str::from_utf8(text).unwrap()),
            Segment::Any => "/*".into(),
        });
        Ok(segments.chain(below.then(|| "/**".into())).collect())
    }

    #[test]
    fn patterns_are_text_and_wildcards() {
        let longest = "/a".repeat(64);
        let longest_below = longest.clone() + "/**";
        for (text, expected) in [
            ("/", ""),
            ("/a", "/a"),
            ("/a/", "/a"),
            ("/a/B", "/a/B"),
            ("/*/{id}/{a_b-C9}/", "/*/*/*"),
            ("/payments/**", "/payments/**"),
            ("/payments/**/", "/payments/**"),
            ("/*/**", "/*/**"),
            ("/**", "all"),
            ("/**/", "all"),
            ("/%61%2A%c3%a4/a b", "/a*%C3%A4/a%20b"),
            ("/$metadata/a:b/%40^", "/$metadata/a:b/@%5E"),
            (&longest, &longest),
            (&longest_below, &longest_below),
        ] {
            assert_eq!(spelled(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn others_are_told_what_was_expected() {
        let longer = "/a".repeat(65);
        for (expected, texts) in [
            (BEGINNING, &["", "a", "*", "**", "a/b", "http://a/b", " /a"][..]),
            (
                SEGMENT,
                &[
                    "/a*", "/*a", "/***", "/a**", "/{}", "/{", "/}", "/{a", "/a{b}", "/{a}b", "/{a b}", "/{a}{b}",
                    "/{*}",
                ],
            ),
            (REST, &["/**/a", "/a/**/b", "/**/**", "/**/*", "/a/**//"]),
            (
                PLAIN,
                &["//", "//a", "/a//", "/a//b", "/.", "/a/..", "/%2e", "/a%2fb", "/a%5C", "/a\\b", "/a;v=1", "/a%3b"],
            ),
            (PLAIN, &["/a?", "/a?b", "/a#b", "/ä", "/%zz", "/%", "/%2541", "/%00", "/a\n", "/%7f", "/%c0%af", "/%ff"]),
            (
                PLAIN,
                &["/a.", "/...", "/a./**", "/a%20", "/a ", "/a%3f", "/a%23", "/a::$DATA", "/a%ef%bc%8fb", "/%c2%85"],
            ),
            (SHORTER, &[&longer]),
        ] {
            for text in texts {
                assert_eq!(spelled(text), Err(expected), "{text:?}");
            }
        }
    }
}
