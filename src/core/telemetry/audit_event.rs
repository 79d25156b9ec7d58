//! The audit log's line of a request: one JSON object on one line, bounded, ASCII only, whatever the request and the
//! certificate contain. Fields have OpenTelemetry's names where it defines some.

use super::trace_parent;
use crate::calendar::rfc3339_to_the_millisecond;
use crate::domain::decision::{Decision, Reason};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::name::Name;
use std::fmt::{self, Write};

/// The longest untrusted text in a line, in characters.
const LONGEST_TEXT: usize = 256;

/// A decided request.
#[derive(Clone, Copy, Debug)]
pub struct Event<'e> {
    /// The reason of the refusal; in shadow mode the reason for which the request would be refused.
    pub reason: Option<Reason>,
    /// Whether the mode is shadow.
    pub shadow: bool,
    /// The alias of the client.
    pub alias: Option<&'e str>,
    /// The tier that the request counts in.
    pub tier: Option<&'e Name>,
    /// The name of the rule that decided, if it has one.
    pub rule: Option<&'e Name>,
    /// The fingerprint of the certificate, if it is known.
    pub fingerprint: Option<Fingerprint>,
    /// Whether a relay has forwarded the certificate. The connection's own certificate is another one then.
    pub relayed: bool,
    /// The strictest tier, for the suggested registry entry.
    pub strictest_tier: Option<&'e Name>,
    /// The request, if the line has it.
    pub request: Option<Request<'e>>,
}

/// A request, as the client sent it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'e> {
    /// `:method`.
    pub method: &'e [u8],
    /// `:path`, with its query.
    pub path: &'e [u8],
    /// `traceparent`.
    pub trace_parent: Option<&'e [u8]>,
}

/// Facts of the host for the line. The host is asked only if the line is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances<'c> {
    /// Nanoseconds since 1970.
    pub time: Option<u64>,
    /// The downstream's address, mostly with a port.
    pub source: Option<&'c [u8]>,
    /// The subject of the connection's certificate, if the event [needs](Event::asks_subject) it.
    pub subject: Option<&'c [u8]>,
    /// The number of lines of this kind that were suppressed before this one.
    pub suppressed: u64,
}

impl Event<'_> {
    /// A request that could not be decided, without a usable configuration.
    pub const UNDECIDED: Self = Self {
        reason: Some(Reason::Internal),
        shadow: false,
        alias: None,
        tier: None,
        rule: None,
        fingerprint: None,
        relayed: false,
        strictest_tier: None,
        request: None,
    };

    /// Whether the line has the subject of the connection's certificate.
    pub fn asks_subject(&self) -> bool {
        self.reason == Some(Reason::UnknownCertificate) && !self.relayed
    }

    /// The log line.
    pub fn line(&self, known: &Circumstances<'_>) -> String {
        let mut line = String::from("{");
        // Writing to a `String` cannot fail.
        let _ = self.write(&mut line, known);
        line.push('}');
        line
    }

    fn write(&self, line: &mut String, known: &Circumstances<'_>) -> fmt::Result {
        let time = known.time.map(|nanos| rfc3339_to_the_millisecond(nanos).to_string());
        let decision = self.reason.map_or(Decision::Allowed, Reason::decision).as_str(self.shadow);
        let fingerprint = self.fingerprint.map(|fingerprint| fingerprint.to_string());
        let (address, port) = known.source.map(split).unwrap_or_default();
        let (method, path) =
            self.request.map(|request| (request.method, without_query(request.path))).unwrap_or_default();
        let trace_id = self.request.and_then(|request| trace_parent::id(request.trace_parent?));
        let texts = [
            ("time", time.as_deref().map(str::as_bytes)),
            ("certgate.decision", Some(decision.as_bytes())),
            ("certgate.reason", self.reason.map(|reason| reason.as_str().as_bytes())),
            ("certgate.client.alias", self.alias.map(str::as_bytes)),
            ("certgate.tier", self.tier.map(|tier| tier.as_str().as_bytes())),
            ("certgate.rule", self.rule.map(|rule| rule.as_str().as_bytes())),
            ("tls.client.hash.sha256", fingerprint.as_deref().map(str::as_bytes)),
            ("tls.client.subject", known.subject),
            ("client.address", Some(address)),
            ("http.request.method", Some(method)),
            ("url.path", Some(path)),
            ("trace_id", trace_id),
        ];
        for (name, text) in texts {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                let comma = if line.len() > 1 { "," } else { "" };
                write!(line, r#"{comma}"{name}":{}"#, Quoted(text))?;
            }
        }
        for (name, number) in [("client.port", port), ("certgate.suppressed", known.suppressed)] {
            if number > 0 {
                write!(line, r#","{name}":{number}"#)?;
            }
        }
        if let (Some(Reason::UnknownCertificate), Some(fingerprint)) = (self.reason, &fingerprint) {
            self.suggest(line, fingerprint, known.subject)?;
        }
        Ok(())
    }

    /// A suggested entry for the registry's `clients`, to be pasted into JSON or YAML.
    fn suggest(&self, line: &mut String, fingerprint: &str, subject: Option<&[u8]>) -> fmt::Result {
        let start = fingerprint.get(..8).unwrap_or_default();
        let tier = self.strictest_tier.map_or("name-of-a-tier", Name::as_str);
        write!(line, r#","certgate.client_entry":{{"alias":"client-{start}","tier":"{tier}""#)?;
        if let Some(subject) = subject {
            write!(line, r#","description":{}"#, Quoted(subject))?;
        }
        write!(line, r#","credentials":[{{"sha256":"{fingerprint}"}}]}}"#)
    }
}

/// The address and the port in `192.0.2.1:443` or `[2001:db8::1]:443`. Text without a port is the address.
fn split(source: &[u8]) -> (&[u8], u64) {
    address_and_port(source).unwrap_or((source, 0))
}

fn address_and_port(source: &[u8]) -> Option<(&[u8], u64)> {
    let colon = source.iter().rposition(|byte| *byte == b':')?;
    let (address, port) = source.split_at_checked(colon)?;
    let port = str::from_utf8(port.strip_prefix(b":")?).ok()?.parse::<u16>().ok()?;
    let bare = address.strip_prefix(b"[").and_then(|address| address.strip_suffix(b"]"));
    let address = bare.or(Some(address).filter(|address| !address.contains(&b':')))?;
    Some((address, port.into()))
}

/// The path without its query, which may contain secrets.
fn without_query(path: &[u8]) -> &[u8] {
    path.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default()
}

/// Untrusted bytes as a JSON string of printable ASCII. A text that is cut off ends in an ellipsis.
struct Quoted<'a>(&'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bytes for one character more than the longest text, four bytes each, to see whether the text is cut off.
        let bytes = self.0.get(..self.0.len().min(4 * LONGEST_TEXT + 4)).unwrap_or_default();
        let text = String::from_utf8_lossy(bytes);
        let cut = text.chars().nth(LONGEST_TEXT).map(|_| '\u{2026}');
        f.write_char('"')?;
        for character in text.chars().take(LONGEST_TEXT).chain(cut) {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                ' '..='~' => f.write_char(character)?,
                other => other.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(f, "\\u{unit:04x}"))?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// The line. Checks that it is one JSON object of printable ASCII.
    fn line(event: &Event<'_>, known: &Circumstances<'_>) -> Value {
        let line = event.line(known);
        assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
        assert!(line.len() < 16_384, "{}", line.len());
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    fn unknown() -> Event<'static> {
        let fingerprint = Some(Fingerprint::new([0xab; 32]));
        Event { reason: Some(Reason::UnknownCertificate), fingerprint, ..Event::UNDECIDED }
    }

    #[test]
    fn an_unknown_certificate_comes_with_an_entry_to_paste() {
        let tier = Name::new("bronze").unwrap();
        let event = Event { strictest_tier: Some(&tier), ..unknown() };
        let known = Circumstances { subject: Some(b"CN=cart,O=Shop"), suppressed: 3, ..Circumstances::default() };
        let expected = json!({
            "certgate.decision": "refused",
            "certgate.reason": "unknown_certificate",
            "tls.client.hash.sha256": "ab".repeat(32),
            "tls.client.subject": "CN=cart,O=Shop",
            "certgate.suppressed": 3,
            "certgate.client_entry": {
                "alias": "client-abababab",
                "tier": "bronze",
                "description": "CN=cart,O=Shop",
                "credentials": [{"sha256": "ab".repeat(32)}],
            },
        });
        assert_eq!(line(&event, &known), expected);
    }

    #[test]
    fn everything_that_a_line_can_say() {
        let (tier, rule) = (Name::new("gold").unwrap(), Name::new("payments").unwrap());
        let event = Event {
            reason: None,
            alias: Some("partner-a"),
            tier: Some(&tier),
            rule: Some(&rule),
            fingerprint: Some(Fingerprint::new([0xab; 32])),
            request: Some(Request {
                method: b"POST",
                path: b"/payments?secret=1",
                trace_parent: Some(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            }),
            ..Event::UNDECIDED
        };
        let known = Circumstances {
            time: Some(1_709_214_359_007_999_999),
            source: Some(b"192.0.2.1:40000"),
            ..Circumstances::default()
        };
        let expected = json!({
            "time": "2024-02-29T13:45:59.007Z",
            "certgate.decision": "allowed",
            "certgate.client.alias": "partner-a",
            "certgate.tier": "gold",
            "certgate.rule": "payments",
            "tls.client.hash.sha256": "ab".repeat(32),
            "client.address": "192.0.2.1",
            "client.port": 40000,
            "http.request.method": "POST",
            "url.path": "/payments",
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        });
        assert_eq!(line(&event, &known), expected);
        assert!(event.line(&known).starts_with(r#"{"time":"2024"#));
    }

    #[test]
    fn every_decision_has_its_word() {
        for reason in Reason::ALL.map(Some).into_iter().chain([None]) {
            for (shadow, prefix) in [(false, ""), (true, "shadow_")] {
                let line = line(&Event { reason, shadow, ..Event::UNDECIDED }, &Circumstances::default());
                let decision = match reason {
                    None => "allowed",
                    Some(Reason::LimitExceeded) => "throttled",
                    Some(Reason::StoreUnavailable | Reason::Internal) => "error",
                    Some(_) => "refused",
                };
                let word = [prefix, decision].concat();
                let mut expected = json!({"certgate.decision": word});
                if let Some(reason) = reason {
                    expected["certgate.reason"] = json!(reason.as_str());
                }
                assert_eq!(line, expected);
            }
        }
    }

    #[test]
    fn hostile_text_stays_inside_one_bounded_ascii_line() {
        let long = "x".repeat(65_536);
        let emoji = "\u{1f600}".repeat(300);
        for text in [
            "a\r\nb",
            "\"}{\"",
            "\\",
            "\u{1b}[31m",
            "\u{2028}\u{2029}",
            "\u{0}\u{7f}\u{9f}",
            "\u{1f600}",
            &long,
            &emoji,
        ] {
            let bytes = text.as_bytes();
            let request = Some(Request { method: bytes, path: bytes, trace_parent: Some(bytes) });
            let known = Circumstances { source: Some(bytes), subject: Some(bytes), ..Circumstances::default() };
            let line = line(&Event { request, ..unknown() }, &known);
            let mut bounded: String = text.chars().take(LONGEST_TEXT).collect();
            if bounded != text {
                bounded.push('\u{2026}');
            }
            for field in ["tls.client.subject", "http.request.method", "url.path", "client.address"] {
                assert_eq!(line[field], bounded, "{field}");
            }
            assert_eq!(line["certgate.client_entry"]["description"], bounded);
            assert_eq!(line["trace_id"], Value::Null);
        }
        let bytes = Some(&b"\xff\xfe\x80"[..]);
        line(&unknown(), &Circumstances { source: bytes, subject: bytes, ..Circumstances::default() });
    }

    #[test]
    fn paths_are_written_without_what_follows_them() {
        for (path, expected) in [
            ("/a/b", json!("/a/b")),
            ("/a?b=c?d#e", json!("/a")),
            ("/a#b?c", json!("/a")),
            ("/%3fa", json!("/%3fa")),
            ("?a", Value::Null),
            ("", Value::Null),
            ("*", json!("*")),
            ("https://a.example/b?c", json!("https://a.example/b")),
        ] {
            let request = Some(Request { method: b"", path: path.as_bytes(), trace_parent: None });
            assert_eq!(
                line(&Event { request, ..unknown() }, &Circumstances::default())["url.path"],
                expected,
                "{path}"
            );
        }
    }

    #[test]
    fn addresses_come_without_their_ports() {
        for (source, address, port) in [
            ("192.0.2.1:65535", json!("192.0.2.1"), json!(65535)),
            ("[2001:db8::1]:443", json!("2001:db8::1"), json!(443)),
            ("192.0.2.1", json!("192.0.2.1"), Value::Null),
            ("192.0.2.1:65536", json!("192.0.2.1:65536"), Value::Null),
            ("192.0.2.1:0", json!("192.0.2.1"), Value::Null),
            ("2001:db8::1", json!("2001:db8::1"), Value::Null),
            ("@/run/envoy.sock", json!("@/run/envoy.sock"), Value::Null),
            ("", Value::Null, Value::Null),
        ] {
            let known = Circumstances { source: Some(source.as_bytes()), ..Circumstances::default() };
            let line = line(&unknown(), &known);
            assert_eq!((&line["client.address"], &line["client.port"]), (&address, &port), "{source}");
        }
    }
}
