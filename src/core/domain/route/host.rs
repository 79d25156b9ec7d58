//! Hosts: the canonical form in which they are compared, and the patterns of rules.

use std::borrow::Cow;
use std::net::Ipv6Addr;

/// The longest host name, in bytes (RFC 1035 section 2.3.4: as text, and without a final dot).
pub const MAX_LENGTH: usize = 253;

const EXPECTED: &str =
    "a host such as `api.example.com`, `*.example.org`, `10.0.0.1` or `[::1]`, without a port or a dot at its end";

/// A host, or all hosts below one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    /// The host in [`canonical`] form.
    pub(super) host: Box<str>,
    /// Whether the pattern matches the hosts with one or more labels before it, and not the host itself.
    pub(super) below: bool,
}

impl HostPattern {
    /// The pattern in `text`: a host name, an IPv4 address, an IPv6 address in brackets, or `*.` and a host name, which
    /// matches the hosts with one or more labels before it (as the Gateway API's `Hostname`). Case does not count (RFC
    /// 9110 section 4.2.3).
    ///
    /// # Errors
    ///
    /// The expected form of the pattern.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let suffix = text.strip_prefix("*.");
        let host = match text.strip_prefix('[') {
            Some(literal) => literal.strip_suffix(']').and_then(bracketed),
            None => name(suffix.unwrap_or(text)),
        };
        let host = host.ok_or(EXPECTED)?.into_owned().into_boxed_str();
        Ok(Self { host, below: suffix.is_some() })
    }

    /// The host in [`canonical`] form.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the pattern matches the hosts below it, and not the host itself.
    pub fn is_below(&self) -> bool {
        self.below
    }
}

/// The host of an authority (RFC 3986 section 3.2) in canonical form: lower case, without port and final dot, an IPv6
/// address in brackets and in the form of RFC 5952. `None` if there is no host, or if another server could read another
/// one: user information, escapes, characters that host names do not have, a port that is no number. A text of digits
/// is a name, as it was written: only `10.0.0.1` is that address.
pub fn canonical(authority: &[u8]) -> Option<Cow<'_, str>> {
    let authority = str::from_utf8(authority).ok()?;
    let Some(literal) = authority.strip_prefix('[') else {
        let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
        return name(host.strip_suffix('.').unwrap_or(host)).filter(|_| is_port(port));
    };
    let (address, rest) = literal.split_once(']')?;
    bracketed(address).filter(|_| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
}

/// The host by which Envoy selects a virtual host (with `ignore_port_in_host_matching`), in [`canonical`] form. Envoy
/// compares the text before the port, without case. `None` also for other spellings of a host, which Envoy takes for
/// another host: a final dot, or an IPv6 address that is not in the form of RFC 5952. `None` for an empty port too:
/// Envoy compares such a host with its colon, unless it ignores ports.
pub(super) fn routed(authority: &[u8]) -> Option<Cow<'_, str>> {
    let host = canonical(authority)?;
    let (written, port) = authority.split_at_checked(host.len())?;
    let is_written = matches!(host, Cow::Borrowed(_)) || written.eq_ignore_ascii_case(host.as_bytes());
    (is_written && matches!(port, [] | [b':', _, ..])).then_some(host)
}

/// The host name in lower case; `None` if the text is not one.
fn name(text: &str) -> Option<Cow<'_, str>> {
    let is_label = |label: &[u8]| !label.is_empty() && label.iter().all(is_in_labels);
    if text.len() > MAX_LENGTH || !text.as_bytes().split(|byte| *byte == b'.').all(is_label) {
        return None;
    }
    let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    Some(if lower { text.into() } else { text.to_ascii_lowercase().into() })
}

/// Whether the byte is allowed in a label. `_` is in no host name, but in many names of services.
fn is_in_labels(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// The canonical form, with brackets, of the IPv6 address between brackets.
fn bracketed(address: &str) -> Option<Cow<'static, str>> {
    let address: Ipv6Addr = address.parse().ok()?;
    Some(format!("[{address}]").into())
}

/// Whether the text is a port. It may be empty (RFC 3986 section 3.2.3).
fn is_port(text: &str) -> bool {
    text.is_empty() || (text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_spelling() {
        for (authority, host) in [
            ("api.example.com", "api.example.com"),
            ("API.Example.COM:443", "api.example.com"),
            ("api.example.com:", "api.example.com"),
            ("api.example.com.", "api.example.com"),
            ("api.example.com.:8443", "api.example.com"),
            ("api.example.com:00065535", "api.example.com"),
            ("my_service-1", "my_service-1"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("10.0.0.1:80", "10.0.0.1"),
            ("0x7F.1", "0x7f.1"),
            ("2130706433", "2130706433"),
            ("[::1]", "[::1]"),
            ("[::1]:", "[::1]"),
            ("[0:0::0001]:443", "[::1]"),
            ("[2001:DB8::A]", "[2001:db8::a]"),
            ("[::FFFF:10.0.0.1]", "[::ffff:10.0.0.1]"),
            ("[::ffff:a00:1]", "[::ffff:10.0.0.1]"),
        ] {
            assert_eq!(canonical(authority.as_bytes()).as_deref(), Some(host), "{authority}");
        }
    }

    /// Measured on Envoy 1.36.4 and 1.40.0: `tests/envoy/router.rs` compares the two on many more.
    #[test]
    fn a_spelling_that_envoy_routes_elsewhere_has_no_host_for_rules() {
        for (authority, host) in [
            ("api.example.com", "api.example.com"),
            ("API.Example.COM:443", "api.example.com"),
            ("api.example.com:0", "api.example.com"),
            ("api.example.com:00443", "api.example.com"),
            ("10.0.0.1:80", "10.0.0.1"),
            ("[::1]", "[::1]"),
            ("[::1]:443", "[::1]"),
            ("[2001:DB8::A]:1", "[2001:db8::a]"),
            ("[::FFFF:10.0.0.1]", "[::ffff:10.0.0.1]"),
        ] {
            assert_eq!(routed(authority.as_bytes()).as_deref(), Some(host), "{authority}");
        }
        for authority in [
            "api.example.com:",
            "api.example.com.",
            "api.example.com.:",
            "api.example.com.:8443",
            "API.example.com.",
            "10.0.0.1.",
            "[::1]:",
            "[0:0::1]",
            "[0:0::0001]:443",
            "[2001:db8:0:0::a]",
            "[::ffff:a00:1]",
        ] {
            assert!(canonical(authority.as_bytes()).is_some(), "{authority}");
            assert_eq!(routed(authority.as_bytes()), None, "{authority}");
        }
        for authority in ["", "api.example.com:65536", "api.example.com:x", "u@api.example.com", "[::1]:x", "[::1]."] {
            assert_eq!(routed(authority.as_bytes()), None, "{authority:?}");
        }
    }

    #[test]
    fn what_could_be_another_host_is_none() {
        let [longest, longer] = [53, 54].map(|rest| "a.".repeat(100) + &"b".repeat(rest));
        assert!(canonical(longest.as_bytes()).is_some() && canonical((longest + ".:1").as_bytes()).is_some());
        for authority in [
            "",
            ".",
            "..",
            ":",
            ":80",
            ".com",
            "a..b",
            "a.com..",
            "user@a.com",
            "a.com@b.com",
            "a.com:80@b.com",
            "@",
            "a.com:x",
            "a.com:65536",
            "a.com:+80",
            "a.com:-1",
            "a.com: 80",
            "a.com:80:80",
            "::1",
            "a.com:80.",
            "%41.com",
            "a%2ecom",
            "bücher.example",
            "a.com/",
            "a.com/b",
            "a.com?",
            "a.com#",
            "a\\b",
            "a b",
            " a",
            "a\t",
            "a\n",
            "a\0",
            "*",
            "*.com",
            "a,b",
            "a;b",
            "[",
            "]",
            "[]",
            "[::1",
            "::1]",
            "[::1]80",
            "[::1].",
            "[::1]:x",
            "[::1]:1:1",
            "[::1%25eth0]",
            "[::1%eth0]",
            "[[::1]]",
            "[10.0.0.1]",
            "[a.com]",
            "[v1.a]",
            "[:::1]",
            "[1::2::3]",
            "[::g]",
            "a[::1]",
            "https://a.com",
            &longer,
        ] {
            assert_eq!(canonical(authority.as_bytes()), None, "{authority:?}");
        }
        for authority in [&b"a\xff"[..], b"\xc3", b"[\xff]", b"a.com:\xff"] {
            assert_eq!(canonical(authority), None, "{authority:?}");
        }
    }

    #[test]
    fn patterns_are_hosts_and_what_is_below_them() {
        for (text, host, below) in [
            ("api.example.com", "api.example.com", false),
            ("API.example.com", "api.example.com", false),
            ("*.Example.org", "example.org", true),
            ("*.org", "org", true),
            ("10.0.0.1", "10.0.0.1", false),
            ("[0:0::1]", "[::1]", false),
        ] {
            assert_eq!(HostPattern::parse(text), Ok(HostPattern { host: host.into(), below }), "{text}");
        }
        for text in [
            "",
            "*",
            "*.",
            "**",
            "*.*.org",
            "*a.org",
            "a.*.org",
            "a.*",
            "*..org",
            "a.org.",
            "*.org.",
            ".",
            ".org",
            "a..org",
            "a.org:443",
            "a.org:",
            "[::1]:443",
            "*.[::1]",
            "[*.a]",
            "::1",
            "[::1",
            "u@a.org",
            "%61.org",
            "bücher.example",
            "a.org/",
            "http://a.org",
            " a.org",
            "a.org ",
        ] {
            assert_eq!(HostPattern::parse(text), Err(EXPECTED), "{text:?}");
        }
    }
}
