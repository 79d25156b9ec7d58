//! Requests for hosts and paths of patterns, spelled as no well-behaved client would.

use super::patterns::Pattern;
use super::random::Random;

/// A request's head that asks for this pattern's host and path, or nearly so.
pub(super) fn head(random: &mut Random, pattern: &Pattern) -> String {
    let (authority, path) = (authority(random, pattern.host), path(random, &pattern.path));
    let method = random.of(&["GET", "POST", "DELETE"]);
    let (target, host) = match random.below(8) {
        // The authority of a target in absolute form counts, and not the `Host` beside it.
        0 => (format!("https://{authority}{path}"), "api.example.com".to_owned()),
        _ => (path, authority),
    };
    let override_it =
        if random.below(20) == 0 { "x-original-url: /admin\r\nx-forwarded-host: my_service\r\n" } else { "" };
    format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\n{override_it}\r\n")
}

fn authority(random: &mut Random, pattern: &str) -> String {
    let mut host = match pattern.strip_prefix('*') {
        Some("") => random.of(&["other.example", "localhost", "[::2]", "10.0.0.8", "b.example.com"]).to_string(),
        Some(parent) => format!("{}{parent}", random.of(&["x", "x.y", "b", "x.b", "x-1"])),
        None => pattern.to_owned(),
    };
    if random.below(4) == 0 {
        host = another_address(random, &host);
    }
    if random.below(4) == 0 {
        host = in_random_case(random, &host);
    }
    if random.below(30) == 0 {
        host = escaped_at(random, &host);
    }
    let user = if random.below(30) == 0 { *random.of(&["u@", "u:p@", "@"]) } else { "" };
    let dot = if random.below(4) == 0 { *random.of(&[".", ".", ".", ".."]) } else { "" };
    let port = match random.below(3) {
        0 => *random.of(&[":443", ":8443", ":0", ":00080", ":65535", ":", ":65536", ":x", ":1:1"]),
        _ => "",
    };
    format!("{user}{host}{dot}{port}")
}

/// Another spelling of an address, if it is one.
fn another_address(random: &mut Random, host: &str) -> String {
    let spellings: &[&str] = match host {
        "[::1]" => &["[0:0::1]", "[::0001]", "[0:0:0:0:0:0:0:1]", "::1", "[::1%25lo]", "[::0.0.0.1]"],
        "[2001:db8::a]" => &["[2001:DB8::A]", "[2001:db8:0::a]", "[2001:0db8::a]", "[2001:db8::0:a]"],
        "[::ffff:10.0.0.1]" => &["[::ffff:a00:1]", "[::FFFF:10.0.0.1]", "[0::ffff:10.0.0.1]"],
        "10.0.0.7" => &["010.0.0.7", "10.7", "0x0a.0.0.7", "167772167"],
        other => return other.to_owned(),
    };
    random.of(spellings).to_string()
}

fn path(random: &mut Random, pattern: &str) -> String {
    let (text, is_below) = pattern.strip_suffix("/**").map_or((pattern, false), |text| (text, true));
    let mut path = text.to_owned();
    while let Some(place) = path.find('*') {
        let value = *random.of(&["7", "joe%40example.com", "a", "x.y", "%E2%82%AC", "B"]);
        path.replace_range(place..=place, value);
    }
    if path.is_empty() || (is_below && random.below(2) == 0) {
        path += *random.of(&["/", "/a", "/a/b", "/admin", "/zz/7/"]);
    }
    for _ in 0..random.below(3) {
        path = misspelled(random, &path);
    }
    let query = if random.below(8) == 0 { *random.of(&["?", "?a=/../b", "?%2f;x#", "?/admin"]) } else { "" };
    format!("{path}{}", query.trim_end_matches('#'))
}

/// The path with one thing changed that some reader takes for no change.
fn misspelled(random: &mut Random, path: &str) -> String {
    let additions = [
        "//", "/./", "/../", "/a/../", "/;x", ";v=1", "\\", "%2f", "%5C", "%2e%2e/", ".", "%20", "::$DATA", "%00", "/",
    ];
    let ends =
        ["/", "/", "/", "//", "/.", "/..", ".", "%20", "%3f", "%23", ";", "::$DATA", "%ef%bc%8fa", "%2F", "+", "%2B"];
    match random.below(8) {
        0 | 1 => escaped_at(random, path),
        2 => unescaped_at_random(random, path),
        3 => in_random_case(random, path),
        4 => {
            let addition = *random.of(&additions);
            path.replacen('/', addition, 1 + random.below(2))
        }
        5 => path.replace('%', "%25"),
        _ => format!("{path}{}", random.of(&ends)),
    }
}

/// With one character in an escape, whose digits are in either case.
fn escaped_at(random: &mut Random, text: &str) -> String {
    let place = random.below(text.len());
    let (before, after) = text.split_at(place);
    let byte = text.as_bytes()[place];
    let escape = if random.below(2) == 0 { format!("%{byte:02x}") } else { format!("%{byte:02X}") };
    format!("{before}{escape}{}", after.split_at(1).1)
}

/// With the digits of escapes in lower case, or one escape of ASCII read.
fn unescaped_at_random(random: &mut Random, text: &str) -> String {
    match random.below(3) {
        0 => text.replace("%C3%A4", "%c3%a4").replace("%5E", "%5e"),
        1 => text.replace("%C3%A4", "%c3%A4").replace("%5E", "^"),
        _ => text.replace("%5E", "^").replace(':', "%3a").replace('@', "%40").replace('$', "%24"),
    }
}

fn in_random_case(random: &mut Random, text: &str) -> String {
    let mut change = |character: char| match random.below(2) {
        0 => character.to_ascii_uppercase(),
        _ => character.to_ascii_lowercase(),
    };
    text.chars().map(&mut change).collect()
}
