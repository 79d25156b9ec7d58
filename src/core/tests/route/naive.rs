//! The rule of a request, found by reading all rules one after the other, byte by byte.

use super::{Found, Rule};
use std::net::Ipv6Addr;

/// The rule of the request. A condition on an ambiguous part, which readers take differently, is `None`.
pub(super) fn find(rules: &[Rule], method: &str, authority: &[u8], path: &[u8]) -> Found {
    let (host, segments) = (host(authority), path_segments(path));
    for (place, rule) in rules.iter().enumerate() {
        let path = match &rule.path {
            Some(pattern) if pattern != "/**" => path_matches(pattern, &segments),
            _ => Some(true),
        };
        let by_method = rule.methods.is_empty() || rule.methods.iter().any(|name| name == method);
        match (host_matches(&rule.hosts, host.as_deref()), path) {
            // If the host cannot be told, all rules that name any count; if the path cannot, all of that host.
            (Some(false), _) => {}
            (Some(true), None) if segments.is_some() && !by_method => {}
            (None, _) | (Some(true), None) => return Found::Ambiguous,
            (Some(true), Some(path)) if path && by_method => return Found::Rule(place),
            (Some(true), Some(_)) => {}
        }
    }
    Found::Nothing
}

fn host_matches(patterns: &[String], host: Option<&str>) -> Option<bool> {
    if patterns.is_empty() {
        return Some(true);
    }
    let host = host?;
    Some(patterns.iter().any(|pattern| match pattern.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => host == pattern,
    }))
}

fn host(authority: &[u8]) -> Option<String> {
    let text = String::from_utf8(authority.to_vec()).ok()?.to_lowercase();
    let (mut host, mut port) = (text.clone(), String::new());
    if let Some(colon) = text.rfind(':').filter(|colon| text.rfind(']').is_none_or(|bracket| bracket < *colon)) {
        port = text[colon + 1..].to_owned();
        host.truncate(colon);
    }
    if !port.chars().all(|c| c.is_ascii_digit()) || port.parse::<u64>().is_ok_and(|port| port > 65535) {
        return None;
    }
    if text.ends_with(':') {
        return None;
    }
    if host.starts_with('[') && host.ends_with(']') && host.len() > 2 {
        let address = host[1..host.len() - 1].parse::<Ipv6Addr>().ok()?;
        return (host == format!("[{address}]")).then_some(host);
    }
    let fine = host.chars().all(|c| "abcdefghijklmnopqrstuvwxyz0123456789-_.".contains(c));
    (fine && authority.is_ascii() && !format!(".{host}.").contains("..") && host.len() < 254).then_some(host)
}

/// A segment's text, and whether it has the one spelling that patterns have.
type Segment = (Vec<u8>, bool);

/// No segments at all: the request has no path.
fn path_segments(path: &[u8]) -> Option<Option<Vec<Segment>>> {
    if path.is_empty() || path == b"*" {
        return Some(None);
    }
    let path: Vec<u8> = path.iter().copied().take_while(|byte| *byte != b'?').collect();
    let forbidden = |byte: u8| !(0x20..=0x7e).contains(&byte) || b"#;\\".contains(&byte);
    let is_itself = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte);
    if path.first() != Some(&b'/') || path.iter().any(|byte| forbidden(*byte)) {
        return None;
    }
    let mut segments: Vec<Segment> = Vec::new();
    let mut at = 0;
    while at < path.len() {
        let byte = path[at];
        at += 1;
        if byte == b'/' {
            segments.push((Vec::new(), true));
        } else if byte == b'%' {
            let value = |at: usize| char::from(*path.get(at)?).to_digit(16);
            let decoded = (value(at)? * 16 + value(at + 1)?) as u8;
            if decoded < 0x20 || b"/;\\\x7f?#".contains(&decoded) {
                return None;
            }
            let (text, plain) = segments.last_mut()?;
            text.push(decoded);
            *plain &= !is_itself(decoded) && !path[at..at + 2].iter().any(u8::is_ascii_lowercase);
            at += 2;
        } else {
            let (text, plain) = segments.last_mut()?;
            text.push(byte);
            *plain &= is_itself(byte);
        }
    }
    if segments.last()?.0.is_empty() {
        segments.pop();
    }
    let twice =
        |text: &[u8]| text.windows(3).any(|w| w[0] == b'%' && w[1].is_ascii_hexdigit() && w[2].is_ascii_hexdigit());
    let bad = |(text, _): &Segment| {
        let Ok(text) = std::str::from_utf8(text) else { return true };
        let odd = "¥₩\u{37e}\u{2024}\u{2025}\u{2044}\u{2215}\u{2216}\u{fe52}\u{fe54}\u{fe56}\u{fe5f}\u{fe68}\u{fe6a}＃％．／；？＼";
        text.is_empty()
            || text.ends_with(|last: char| {
                ".…".contains(last) || last.is_whitespace() && !"\u{1680}\u{2028}\u{2029}".contains(last)
            })
            || text.contains(":$")
            || text.chars().any(|c| odd.contains(c) || ('\u{80}'..'\u{a0}').contains(&c))
            || twice(text.as_bytes())
    };
    (!segments.iter().any(bad)).then_some(Some(segments))
}

/// `None` if the path matches in another spelling.
fn path_matches(pattern: &str, path: &Option<Option<Vec<Segment>>>) -> Option<bool> {
    let Some(path) = path.as_ref()? else { return Some(false) };
    let pattern: Vec<&str> = pattern.split('/').filter(|segment| !segment.is_empty()).collect();
    let rest = pattern.last() == Some(&"**");
    let fixed = if rest { pattern.len() - 1 } else { pattern.len() };
    let fits = if rest { path.len() >= fixed } else { path.len() == fixed };
    let mut is_spelled = true;
    let matches = fits
        && (0..fixed).all(|place| {
            let (text, plain) = &path[place];
            let expected = match pattern[place] {
                "*" | "{x}" => return true,
                "%61" => "a",
                "%25" => "%",
                other => other,
            };
            is_spelled &= plain;
            text == expected.as_bytes()
        });
    if matches && !is_spelled { None } else { Some(matches) }
}
