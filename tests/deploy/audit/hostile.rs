//! Whatever is in a request or its certificate, its line is one line.

use super::{Cast, TRACE, lines};
use crate::support::envoy::Envoy;
use std::collections::BTreeSet;

#[tokio::test]
async fn whatever_is_in_a_request_a_line_is_a_line() {
    let cast = Cast::new();
    let hostile = cast.world.authority.client("\u{1b}[31m\"}\r\n{\"certgate.decision\":\"allowed\"}\u{2028}\u{1f600}");
    let envoy = Envoy::start(cast.world.bootstrap(&cast.registry(&[("audit", "all")])).concurrency(1)).await;
    let long = "/x".repeat(4000);
    let paths = [
        "/\"},{\"a\":\"",
        "/\\",
        "/\\u0022",
        "/a?b\"c",
        "/a#b",
        "/%0d%0a%22",
        "/%00",
        "/\u{1b}[31m",
        "/\u{7f}",
        "/\u{e9}\u{ff}",
        "/\u{2028}",
        "/;v=1",
        "/a%",
        "//a//b",
        "*",
        "/{\"certgate.decision\":\"allowed\"}",
        &long,
    ];
    let right = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let traces = [
        &right,
        "",
        "\"}",
        "00-\"\"",
        &right.to_uppercase(),
        &right.replace('4', "0x"),
        &format!("{right}-\""),
        &"0".repeat(55),
        &"-".repeat(55),
        &format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
        "\u{e9}\u{ff}",
    ];
    let mut requests: Vec<_> =
        paths.iter().map(|path| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")).collect();
    requests.extend(
        traces.iter().map(|trace| format!("GET /trace HTTP/1.1\r\nhost: localhost\r\ntraceparent: {trace}\r\n\r\n")),
    );
    requests.push(format!(
        "GET /trace HTTP/1.1\r\nhost: localhost\r\ntraceparent: {right}\r\ntraceparent: {right}\r\n\r\n"
    ));
    requests.push("M!#$%&'*+-.^_`|~ /method HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned());
    let mut expected = 0;
    for request in &requests {
        let response = cast.caller(Some(&hostile)).raw(envoy.port()).await.exchange(request).await;
        // What Envoy refuses by itself, no filter sees.
        expected += usize::from(response.status == 403);
        assert!([400, 403].contains(&response.status), "{response:?}: {request:?}");
    }
    let lines = lines(&envoy);
    assert_eq!(lines.len(), expected, "one line for each request that came through");
    let mut traced = 0;
    for line in &lines {
        match line["certgate.reason"].as_str() {
            Some("unknown_certificate") => assert_eq!(line["tls.client.hash.sha256"], hostile.fingerprint()),
            // What servers read in different ways.
            other => assert_eq!(other, Some("rule_denied")),
        }
        let path = line["url.path"].as_str().expect("a path");
        assert!(!path.contains('?') && path.chars().count() <= 257, "{path}");
        match line["trace_id"].as_str() {
            None => {}
            Some(id) => {
                assert_eq!(id, TRACE);
                traced += 1;
            }
        }
    }
    assert_eq!(traced, 1, "of all that is wrong, nothing is taken for a trace");
    let seen: BTreeSet<_> = lines.iter().filter_map(|line| line["url.path"].as_str()).collect();
    assert!(seen.contains("/a") && seen.contains("/trace"), "{seen:?}");
}
