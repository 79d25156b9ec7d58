//! Patterns of paths. The texts are those that `certgate_core::domain::route` calls
//! unambiguous; tests compare the two for every character.

use super::Form;
use certgate_core::domain::route::path_pattern::MAX_SEGMENTS;

/// ASCII characters of a segment, plain or percent-encoded: all but control characters, `/`, `\`, `;`, `?`, `#`, and,
/// in plain form, `%`, `*`, `{` and `}`.
const ASCII: &str = "[ !\"$&-)+-.0-:<->@-\\[\\]-z|~]|%(2[0-24-9A-Ea-e]|3[0-9AC-Eac-e]|[46][0-9A-Fa-f]\
                     |5[0-9ABD-Fabd-f]|7[0-9A-Ea-e])";

/// Characters beyond ASCII that some servers read as a delimiter, `%` or dots: Yen sign, won sign, Greek question mark;
/// one and two dot leader, fraction slash, division slash, set minus; small full stop, semicolon, question mark, number
/// sign, reverse solidus, percent sign; of full width, number sign, percent sign, full stop, solidus, semicolon,
/// question mark, reverse solidus.
#[rustfmt::skip]
const DELIMITERS: [char; 21] = [
    '\u{a5}', '\u{20a9}', '\u{37e}',
    '\u{2024}', '\u{2025}', '\u{2044}', '\u{2215}', '\u{2216}',
    '\u{fe52}', '\u{fe54}', '\u{fe56}', '\u{fe5f}', '\u{fe68}', '\u{fe6a}',
    '\u{ff03}', '\u{ff05}', '\u{ff0e}', '\u{ff0f}', '\u{ff1b}', '\u{ff1f}', '\u{ff3c}',
];

/// Characters beyond ASCII that some servers read as dots or a space at the end of a segment.
#[rustfmt::skip]
const WIDE_SPACES: [char; 16] = [
    '\u{a0}', '\u{2000}', '\u{2001}', '\u{2002}', '\u{2003}', '\u{2004}', '\u{2005}', '\u{2006}', '\u{2007}',
    '\u{2008}', '\u{2009}', '\u{200a}', '\u{2026}', '\u{202f}', '\u{205f}', '\u{3000}',
];

/// A byte of a character of UTF-8 after the first.
const AFTER: &str = "%[89ABab][0-9A-Fa-f]";

/// Patterns of paths.
pub(super) fn pattern() -> Vec<Form> {
    let segment = format!(r"(\*|\{{[A-Za-z0-9_-]+\}}|({ASCII}|{})+)", beyond_ascii());
    let path = format!(r"^(/{segment}){{0,{MAX_SEGMENTS}}}(/\*\*)?/?$");
    let spaces: Vec<_> = WIDE_SPACES.iter().map(|character| escaped(*character)).collect();
    let delimiters: Vec<_> = DELIMITERS.iter().map(|character| escaped(*character)).collect();
    vec![Form::of(path).not([
        "^$".to_owned(),
        format!(r"(\.|%2[Ee]| |%20|{})(/|$)", spaces.join("|")),
        delimiters.join("|"),
        r"(:|%3[Aa])(\$|%24)".to_owned(),
        "%25([0-9A-Fa-f]|%3[0-9]|%[46][1-6]){2}".to_owned(),
    ])]
}

/// Characters beyond ASCII that are no control characters, percent-encoded as UTF-8.
fn beyond_ascii() -> String {
    let two = format!("%[Cc]2%[ABab][0-9A-Fa-f]|%([Cc][3-9A-Fa-f]|[Dd][0-9A-Fa-f]){AFTER}");
    let three = format!(
        "%[Ee]0%[ABab][0-9A-Fa-f]{AFTER}|%[Ee]([1-9A-Ca-c]|[EFef])({AFTER}){{2}}|%[Ee][Dd]%[89][0-9A-Fa-f]{AFTER}"
    );
    let four =
        format!("%[Ff]0%[9ABab][0-9A-Fa-f]({AFTER}){{2}}|%[Ff][1-3]({AFTER}){{3}}|%[Ff]4%8[0-9A-Fa-f]({AFTER}){{2}}");
    format!("{two}|{three}|{four}")
}

/// A pattern of the percent-encoded form of a character.
fn escaped(character: char) -> String {
    let mut bytes = [0; 4];
    let digit = |digit: char| match digit {
        'a'..='f' => format!("[{}{digit}]", digit.to_ascii_uppercase()),
        other => other.to_string(),
    };
    let bytes = character.encode_utf8(&mut bytes).bytes();
    bytes.map(|byte| format!("%{}", format!("{byte:02x}").chars().map(digit).collect::<String>())).collect()
}
