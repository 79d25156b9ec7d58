//! The condition that a rule's `match` is, in the terms of Envoy's matchers: exact, or where no exact condition exists, one
//! that is too narrow ([`surely`]) and one that is too wide ([`perhaps`]). Must not know what follows from a match.
//!
//! certgate refuses a path that servers read differently, and a path that is a rule's in another spelling. So a narrow
//! condition asks for plain spellings: each path has one, up to the case of its hex digits and a slash at its end. A wide
//! condition covers these alone.

use super::condition::{Condition, How, Text};
use certgate_core::domain::route::RoutePattern;
use certgate_core::domain::route::host::HostPattern;
use certgate_core::domain::route::path_pattern::{PathPattern, Segment};
use std::borrow::Cow;

/// Envoy takes regular expressions up to a size of 100, of which each character of plain text is one.
const LONGEST_SHAPE: usize = 80;

/// A path in which all stands for itself or is escaped, without `/`, `\`, `;`, `?`, `#`, `%` and control characters in
/// escapes. Of what is not ASCII, UTF-8 of two and three bytes, without those 256 characters of three that have delimiters
/// of other widths among them (U+2000 to U+207F, U+2200 to U+223F, U+FE40 to U+FE7F, U+FF00 to U+FF3F).
const PLAIN_PATH: &str = concat!(
    r"(?:/(?:[!$&-.0-:=@-Z_a-z~]|%(?:2[02]|3[CEce]|5[BDEbde]|60|7[B-Db-d])",
    r"|%(?:[Cc]2%[ABab]|(?:[Cc][3-9A-Fa-f]|[Dd][0-9A-Fa-f])%[89ABab])[0-9A-Fa-f]",
    r"|%[Ee](?:0%[ABab][0-9A-Fa-f]|[13-9A-CEa-ce]%[89ABab][0-9A-Fa-f]|2%(?:8[2-79A-Fa-f]|[9ABab][0-9A-Fa-f])",
    r"|[Dd]%[89][0-9A-Fa-f]|[Ff]%(?:[89Aa][0-9A-Fa-f]|[Bb][0-8ABD-Fabd-f]))%[89ABab][0-9A-Fa-f]",
    r")+)+/?|/"
);

/// A path with a segment that some servers take for another: dots or a space at its end (also U+00A0 and U+3000), `:$`, or
/// one of the yen sign, the Greek question mark and the won sign.
const TAKEN_FOR_ANOTHER: &str = concat!(
    r".*(?:(?:\.|%20|%[Cc]2%[Aa]0|%[Ee]3%80%80)(?:/.*)?",
    r"|(?::\$|%[Cc]2%[Aa]5|%[Cc][Dd]%[Bb][Ee]|%[Ee]2%82%[Aa]9).*)"
);

/// A host name or an IPv4 address, without a dot at its end, perhaps with a port.
const PLAIN_HOST: &str = concat!(
    r"(?:[0-9A-Za-z_-]+\.)*[0-9A-Za-z_-]+",
    r"(?::(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
);

/// An IPv6 address, or what looks like one, with a port.
const PLAIN_ADDRESS: &str = concat!(
    r"\[[0-9A-Fa-f:.]+\]",
    r":(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
);

/// Requests that surely match.
///
/// # Errors
///
/// The reason why there is no condition.
pub(super) fn surely(pattern: &RoutePattern) -> Result<Condition, &'static str> {
    let path = pattern.path.as_ref().map(surely_path).transpose()?;
    let hosts = (!pattern.hosts.is_empty()).then(|| Condition::any(pattern.hosts.iter().map(surely_host)));
    Ok(Condition::all(methods(pattern).into_iter().chain(hosts).chain(path)))
}

/// Requests with a plain host and path that may match, and at most a few others.
pub(super) fn perhaps(pattern: &RoutePattern) -> Condition {
    let path = pattern.path.as_ref().map(perhaps_path);
    let hosts = (!pattern.hosts.is_empty()).then(|| Condition::any(pattern.hosts.iter().map(perhaps_host)));
    Condition::all(methods(pattern).into_iter().chain(hosts).chain(path))
}

/// Whether [`perhaps`] has no more than it must.
pub(super) fn is_told(pattern: &RoutePattern) -> bool {
    pattern.path.as_ref().is_none_or(|path| literal(path.segments()).is_some() || shape(path, false).is_some())
}

/// Requests whose path nobody reads differently.
pub(super) fn plain_path() -> Condition {
    Condition::all([
        Condition::Path(Text::new(How::Matches, PLAIN_PATH)),
        Condition::not(Condition::Path(Text::new(How::Matches, TAKEN_FOR_ANOTHER))),
    ])
}

/// Requests whose host nobody reads differently.
pub(super) fn plain_host() -> Condition {
    Condition::Host(Text::new(How::Matches, PLAIN_HOST))
}

/// Whether some request may match both.
pub(super) fn overlap(one: &RoutePattern, other: &RoutePattern) -> bool {
    let methods =
        one.methods.is_empty() || other.methods.is_empty() || one.methods.iter().any(|m| other.methods.contains(m));
    let hosts = one.hosts.is_empty()
        || other.hosts.is_empty()
        || one.hosts.iter().any(|host| other.hosts.iter().any(|second| hosts_overlap(host, second)));
    let paths = match (&one.path, &other.path) {
        (Some(one), Some(other)) => paths_overlap(one, other),
        _ => true,
    };
    methods && hosts && paths
}

fn methods(pattern: &RoutePattern) -> Option<Condition> {
    let methods = pattern.methods.iter().cloned().map(Condition::Method);
    (!pattern.methods.is_empty()).then(|| Condition::any(methods))
}

fn surely_host(pattern: &HostPattern) -> Condition {
    let host = pattern.host();
    let port = |how, regex| {
        Condition::all([
            Condition::Host(Text::any_case(how, format!("{host}:"))),
            Condition::Host(Text::new(How::Matches, regex)),
        ])
    };
    if !pattern.is_below() {
        let regex = if host.starts_with('[') { PLAIN_ADDRESS } else { PLAIN_HOST };
        return Condition::any([Condition::Host(Text::any_case(How::Is, host)), port(How::StartsWith, regex)]);
    }
    Condition::all([plain_host(), perhaps_host(pattern)])
}

fn perhaps_host(pattern: &HostPattern) -> Condition {
    let (exactly, with_port) = match pattern.is_below() {
        true => (How::EndsWith, How::Contains),
        false => (How::Is, How::StartsWith),
    };
    let host = if pattern.is_below() { format!(".{}", pattern.host()) } else { pattern.host().to_owned() };
    Condition::any([
        Condition::Host(Text::any_case(exactly, &host)),
        Condition::Host(Text::any_case(with_port, host + ":")),
    ])
}

fn surely_path(pattern: &PathPattern) -> Result<Condition, &'static str> {
    if let Some(path) = literal(pattern.segments()) {
        if pattern.is_below() {
            return Ok(Condition::all([plain_path(), Condition::any(at_or_below(&path))]));
        }
        return Ok(Condition::any(at(&path)));
    }
    let shape =
        shape(pattern, false).ok_or("its path has too much text and wildcards for a regular expression of Envoy's")?;
    Ok(Condition::all([plain_path(), shape]))
}

fn perhaps_path(pattern: &PathPattern) -> Condition {
    if let Some(path) = literal(pattern.segments()) {
        let tests = if pattern.is_below() { at_or_below(&path) } else { at(&path) };
        return Condition::any(tests.into_iter().map(in_any_case));
    }
    shape(pattern, true).unwrap_or_else(|| {
        let text = pattern.segments().iter().take_while(|segment| matches!(segment, Segment::Text(_)));
        let before: String = text.map(|segment| format!("/{}", spelled(segment))).collect();
        in_any_case(Condition::Path(Text::new(How::StartsWith, before + "/")))
    })
}

/// The path itself, with a slash at its end or without.
fn at(path: &str) -> Vec<Condition> {
    let with_slash = (path != "/").then(|| format!("{path}/"));
    let paths = std::iter::once(path.to_owned()).chain(with_slash);
    paths.map(|path| Condition::Path(Text::new(How::Is, path))).collect()
}

/// The path itself and what is below it.
fn at_or_below(path: &str) -> Vec<Condition> {
    let tests = [(How::Is, path.to_owned()), (How::StartsWith, format!("{path}/"))];
    tests.map(|(how, text)| Condition::Path(Text::new(how, text))).into()
}

/// The condition with the case of letters ignored where the text has escapes. The result is too wide for all letters but
/// hexadecimal digits.
fn in_any_case(condition: Condition) -> Condition {
    match condition {
        Condition::Path(text) if text.text.contains('%') => Condition::Path(Text { any_case: true, ..text }),
        other => other,
    }
}

/// The path that a pattern without wildcards is.
pub(super) fn literal(segments: &[Segment]) -> Option<String> {
    let is_text = |segment: &Segment| matches!(segment, Segment::Text(_));
    let path: String = segments.iter().map(|segment| format!("/{}", spelled(segment))).collect();
    segments.iter().all(is_text).then(|| if path.is_empty() { "/".to_owned() } else { path })
}

/// A regular expression for plain paths with these segments, if it is not too large for Envoy; with `any_case`, whatever
/// the case of hex digits in escapes.
fn shape(pattern: &PathPattern, any_case: bool) -> Option<Condition> {
    let segments: String = pattern
        .segments()
        .iter()
        .map(|segment| match segment {
            Segment::Any => "/[!-.0-~]+".to_owned(),
            Segment::Text(_) => format!("/{}", regex_of(&spelled(segment))),
        })
        .collect();
    let end = if pattern.is_below() { "(?:/.*)?" } else { "/?" };
    let fits = segments.len() <= LONGEST_SHAPE;
    let segments = if any_case { with_escapes_in_both_cases(&segments) } else { segments };
    fits.then(|| Condition::Path(Text::new(How::Matches, segments + end)))
}

/// A segment in its plainest spelling; nothing for one that can be anything.
pub(super) fn spelled(segment: &Segment) -> Cow<'_, str> {
    match segment {
        Segment::Text(text) => String::from_utf8_lossy(text),
        Segment::Any => Cow::Borrowed(""),
    }
}

/// A regular expression that takes the hex digits of escapes in both cases, of one that takes them in upper case.
fn with_escapes_in_both_cases(regex: &str) -> String {
    let mut parts = regex.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| match part.split_at_checked(2) {
        Some((digits, rest)) => format!("{whole}%{}{rest}", digits.chars().map(in_both_cases).collect::<String>()),
        None => format!("{whole}%{part}"),
    })
}

/// A regular expression for this hex digit.
fn in_both_cases(digit: char) -> String {
    match digit {
        'A'..='F' => format!("[{digit}{}]", digit.to_ascii_lowercase()),
        other => other.into(),
    }
}

/// A regular expression for this text.
pub(super) fn regex_of(text: &str) -> String {
    text.chars()
        .map(
            |character| if r"\.+*?()|[]{}^$".contains(character) { format!("\\{character}") } else { character.into() },
        )
        .collect()
}

fn hosts_overlap(one: &HostPattern, other: &HostPattern) -> bool {
    let below = |host: &str, parent: &str| host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'));
    match (one.is_below(), other.is_below()) {
        (false, false) => one.host() == other.host(),
        (true, false) => below(other.host(), one.host()),
        (false, true) => below(one.host(), other.host()),
        (true, true) => {
            one.host() == other.host() || below(one.host(), other.host()) || below(other.host(), one.host())
        }
    }
}

fn paths_overlap(one: &PathPattern, other: &PathPattern) -> bool {
    let (short, long) = if one.segments().len() <= other.segments().len() { (one, other) } else { (other, one) };
    let same = |(one, other): (&Segment, &Segment)| {
        matches!((one, other), (Segment::Any, _) | (_, Segment::Any)) || one == other
    };
    short.segments().iter().zip(long.segments()).all(same)
        && (short.segments().len() == long.segments().len() || short.is_below())
}
