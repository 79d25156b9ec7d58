//! The line of a request, for every event.

use super::super::quoted::LONGEST_TEXT;
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
    Event { refusal: Some(Cause::NotRegistered.into()), fingerprint, ..Event::UNDECIDED }
}

fn presented(subject: &[u8]) -> PresentedCertificate {
    PresentedCertificate { subject: Some(subject.into()), ..PresentedCertificate::default() }
}

#[test]
fn an_unknown_certificate_comes_with_an_entry_to_paste() {
    let tier = Name::new("bronze").unwrap();
    let event = Event { strictest_tier: Some(&tier), ..unknown() };
    let certificate = PresentedCertificate {
        issuer: Some(b"CN=Shop CA".into()),
        uri_sans: vec!["spiffe://example.org/cart".into()],
        dns_sans: ["a", "b", "c", "d"].map(Box::from).into(),
        ..presented(b"CN=cart,O=Shop")
    };
    let known = Circumstances { certificate: Some(&certificate), suppressed: 3, ..Circumstances::default() };
    let expected = json!({
        "certgate.decision": "refused",
        "certgate.reason": "unknown_certificate",
        "certgate.cause": "not_registered",
        "tls.client.hash.sha256": "ab".repeat(32),
        "certgate.fingerprint_of": "client",
        "tls.client.subject": "CN=cart,O=Shop",
        "tls.client.issuer": "CN=Shop CA",
        "certgate.uri_san": ["spiffe://example.org/cart"],
        "certgate.dns_san": ["a", "b", "c", "\u{2026}"],
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
fn the_entry_is_by_what_lasts_and_none_is_offered_for_a_client_that_was_removed() {
    let lasting_id = Some("spiffe://example.org/cart".to_owned());
    let certificate = PresentedCertificate { lasting_id, ..presented(b"") };
    let known = Circumstances { certificate: Some(&certificate), ..Circumstances::default() };
    let expected = json!({
        "alias": "client-abababab",
        "tier": "name-of-a-tier",
        "credentials": [{"uri_san": "spiffe://example.org/cart"}],
    });
    assert_eq!(line(&unknown(), &known)["certgate.client_entry"], expected);
    let removed = Event { refusal: Some(Cause::ClientRemoved.into()), ..unknown() };
    assert_eq!(line(&removed, &known)["certgate.client_entry"], Value::Null);
}

#[test]
fn everything_that_a_line_can_say() {
    let (tier, rule) = (Name::new("gold").unwrap(), Name::new("payments").unwrap());
    let event = Event {
        refusal: None,
        alias: Some("partner-a"),
        tier: Some(&tier),
        rule: Some((RuleIndex(3), Some(&rule))),
        crl: Some((CrlIndex(1), "CN=Shop\nCA")),
        fingerprint: Some(Fingerprint::new([0xab; 32])),
        holder: Holder::Relay,
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
        "certgate.crl": "crls[1] of CN=Shop\nCA",
        "tls.client.hash.sha256": "ab".repeat(32),
        "certgate.fingerprint_of": "relay",
        "client.address": "192.0.2.1",
        "client.port": 40000,
        "http.request.method": "POST",
        "url.path": "/payments",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    });
    assert_eq!(line(&event, &known), expected);
    assert!(event.line(&known).starts_with(r#"{"time":"2024"#));
    let unnamed = Event { rule: Some((RuleIndex(3), None)), ..event };
    assert_eq!(line(&unnamed, &known)["certgate.rule"], "rules[3]");
}

#[test]
fn every_decision_has_its_word() {
    for reason in Reason::ALL.map(Some).into_iter().chain([None]) {
        for (shadow, prefix) in [(false, ""), (true, "shadow_")] {
            let refusal = reason.map(|reason| Refusal { reason, cause: Cause::HostCallFailed });
            let line = line(&Event { refusal, shadow, ..Event::UNDECIDED }, &Circumstances::default());
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
                expected["certgate.cause"] = json!("host_call_failed");
            }
            assert_eq!(line, expected);
        }
    }
}

#[test]
fn hostile_text_stays_inside_one_bounded_ascii_line() {
    let long = "x".repeat(65_536);
    let emoji = "\u{1f600}".repeat(300);
    for text in
        ["a\r\nb", "\"}{\"", "\\", "\u{1b}[31m", "\u{2028}\u{2029}", "\u{0}\u{7f}\u{9f}", "\u{1f600}", &long, &emoji]
    {
        let bytes = text.as_bytes();
        let request = Some(Request { method: bytes, path: bytes, trace_parent: Some(bytes) });
        let certificate = presented(bytes);
        let known = Circumstances { source: Some(bytes), certificate: Some(&certificate), ..Circumstances::default() };
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
    // The names of a certificate are printable ASCII, its issuer and its subject are not.
    let request = Some(Request { method: b"GET", path: emoji.as_bytes(), trace_parent: None });
    let names = vec!["\"".repeat(300).into(); 4];
    let certificate = PresentedCertificate {
        issuer: Some(emoji.clone().into()),
        uri_sans: names.clone(),
        dns_sans: names,
        ..presented(emoji.as_bytes())
    };
    let known = Circumstances { certificate: Some(&certificate), time: Some(0), ..Circumstances::default() };
    let line_of_names = line(&Event { request, ..unknown() }, &known);
    let bounded = |text: &str| [&text.chars().take(LONGEST_TEXT).collect::<String>(), "\u{2026}"].concat();
    assert_eq!(line_of_names["tls.client.issuer"], bounded(&emoji));
    for field in ["certgate.uri_san", "certgate.dns_san"] {
        let name = bounded(&"\"".repeat(300));
        assert_eq!(line_of_names[field], json!([name, name, name, "\u{2026}"]));
    }
    let bytes = b"\xff\xfe\x80";
    let certificate = presented(bytes);
    let known = Circumstances { source: Some(bytes), certificate: Some(&certificate), ..Circumstances::default() };
    line(&unknown(), &known);
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
        assert_eq!(line(&Event { request, ..unknown() }, &Circumstances::default())["url.path"], expected, "{path}");
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
