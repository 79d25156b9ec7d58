//! URIs that a pattern with `*` matches, and texts that are patterns: the filter's answers are those of a second
//! implementation.

use crate::fixtures::{authority, configuration, engine, fake, leaf, listener, who};
use certgate_core::config;
use certgate_test_support::certificates::Authority;
use certgate_test_support::fakes::FakeLedger;
use certgate_test_support::laws::cases;
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;
use std::sync::LazyLock;

static AUTHORITY: LazyLock<Authority> = LazyLock::new(authority);

const SCHEMES: [&str; 2] = ["spiffe", "https"];
const AUTHORITIES: [&str; 4] = ["example.org", "Example.org:8", "e?x", "e#x"];
const SEGMENTS: [&str; 26] = [
    "*",
    "*",
    "*",
    "a",
    "b",
    "A.b-c_d",
    "",
    ".",
    "..",
    "...",
    "%2e",
    "%2E.",
    "%2e%2E",
    "%2e..",
    "%41",
    "%4",
    "%zz",
    "%",
    "a?b",
    "?",
    "a#b",
    "#",
    "a:b@c",
    "~!$&'()+,;=",
    "a*",
    "a b",
];

fn text(
    scheme: impl Strategy<Value = &'static str>,
    authorities: &'static [&'static str],
    segments: &'static [&'static str],
) -> impl Strategy<Value = String> {
    let path = prop::collection::vec(select(segments), 1..4);
    (scheme, select(authorities), path)
        .prop_map(|(scheme, authority, path)| format!("{scheme}://{authority}/{}", path.join("/")))
}

/// A pattern, and a URI that is like it where it has no `*`.
fn pattern_and_uri() -> impl Strategy<Value = (String, String)> {
    let pattern = text(select(&SCHEMES[..]), &AUTHORITIES, &SEGMENTS);
    let stand_ins = prop::collection::vec(select(&SEGMENTS[..]), 4);
    let other = text(select(&SCHEMES[..]), &AUTHORITIES, &SEGMENTS);
    (pattern, stand_ins, other, 0..4).prop_map(|(pattern, stand_ins, other, which)| {
        let mut stand_ins = stand_ins.into_iter();
        let put = |part: &str| if part == "*" { stand_ins.next().unwrap_or("a").to_owned() } else { part.to_owned() };
        let like_it = pattern.split('/').map(put).collect::<Vec<_>>().join("/");
        (pattern, if which == 0 { other } else { like_it })
    })
}

/// Whether each segment of the path is one that `*` may stand for.
fn is_plain(uri: &str) -> bool {
    let parts: Vec<_> = uri.split('/').collect();
    let of = |allowed: &str, text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || allowed.contains(c));
    let (spiffe, authority) = (parts[0] == "spiffe:", parts[2]);
    let segment = |text: &&str| {
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        let is_encoded =
            text.split('%').skip(1).all(|rest| rest.len() >= 2 && rest.chars().take(2).all(|c| c.is_ascii_hexdigit()));
        let characters = if spiffe { "-._" } else { "-._~!$&'()*+,;=:@%" };
        !["", ".", ".."].contains(&decoded.as_ref()) && is_encoded && of(characters, text)
    };
    let trust_domain = !authority.contains(char::is_uppercase) && of("-._", authority);
    parts[3..].iter().all(segment) && !authority.contains(['?', '#']) && (!spiffe || trust_domain)
}

/// Whether the text is a pattern.
fn is_pattern(pattern: &str) -> bool {
    let any = pattern.split('/').any(|part| part == "*");
    let partly = pattern.split('/').any(|part| part.contains('*') && part != "*");
    !partly && !pattern.contains(' ') && (!any || is_plain(&pattern.replace("/*", "/any")))
}

/// Whether the pattern matches the URI.
fn matches(pattern: &str, uri: &str) -> bool {
    let (pattern, parts): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), uri.split('/').collect());
    let same =
        pattern.len() == parts.len() && pattern.iter().zip(&parts).all(|(want, part)| *want == "*" || want == part);
    same && (!pattern.contains(&"*") || is_plain(uri))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(4_000)))]

    #[test]
    fn an_asterisk_stands_for_what_it_should((pattern, uri) in pattern_and_uri()) {
        let configuration = configuration(&[("found", json!({"uri_san": pattern}))], &listener());
        prop_assert_eq!(config::read(configuration.to_string().as_bytes()).is_ok(), is_pattern(&pattern), "{}", pattern);
        if is_pattern(&pattern) {
            let leaf = AUTHORITY.issue_for(&leaf().uris([&*uri]), AUTHORITY.key());
            let found = who(&engine(&configuration, &FakeLedger::default()), &fake(&leaf));
            let expected = if matches(&pattern, &uri) { "found" } else { "unknown_certificate" };
            prop_assert_eq!(found, expected, "{} {}", pattern, uri);
        }
    }
}
