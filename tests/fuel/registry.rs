//! Registries of any size, and the requests that go with them.

use crate::certificate::{Certificate, hex};
use certgate_test_support::registry::{by_fingerprint, merge, registry};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A registry with one client, whose only limit it is far from.
pub(crate) fn of(client: &Certificate) -> Value {
    limited("gold", &[by_fingerprint("partner-a", "gold", client.fingerprint())])
}

/// As JSON, a registry of this many clients, among them the one with this certificate. Two editions differ in one
/// client's credential.
pub(crate) fn with(clients: usize, client: &Certificate, edition: usize) -> Vec<u8> {
    let fingerprint = |number: usize| {
        if number == clients / 2 {
            return client.fingerprint().to_owned();
        }
        let renewed = if number + 1 == edition { edition } else { 0 };
        hex(&Sha256::digest([number.to_le_bytes(), renewed.to_le_bytes()].concat()))
    };
    let client = |number| by_fingerprint(&format!("c{number:05}"), "t", &fingerprint(number));
    serde_json::to_vec(&limited("t", &(0..clients).map(client).collect::<Vec<_>>())).expect("JSON")
}

/// A registry of these clients, of one tier with a limit that they are far from.
fn limited(tier: &str, clients: &[Value]) -> Value {
    let burst = json!([{"name": "burst", "requests": 100, "per": "1s", "burst": 200}]);
    merge(registry(&[(tier, burst)], clients), &json!({"rate_limit_headers": "off"}))
}

/// The headers of a plain request.
pub(crate) fn plain() -> Vec<(String, String)> {
    headers(&[
        (":authority", "api.example.com"),
        (":path", "/v1/orders/4711"),
        (":method", "GET"),
        (":scheme", "https"),
        ("user-agent", "curl/8.5.0"),
        ("accept", "*/*"),
        ("x-forwarded-proto", "https"),
        ("x-request-id", "8c1b2c1e-5d0f-4b0a-9d0e-3f8f6f1f2a11"),
    ])
}

/// The headers of a request with all that browsers, proxies and tracers add.
pub(crate) fn thirty() -> Vec<(String, String)> {
    let mut all = plain();
    all.extend(headers(&[
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "de-DE,de;q=0.9,en;q=0.8"),
        ("authorization", "Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYXJ0In0.c2lnbmF0dXJl"),
        ("cache-control", "no-cache"),
        ("content-type", "application/json"),
        ("cookie", "session=4f1c0d9a7b; theme=dark; consent=yes"),
        ("dnt", "1"),
        ("if-none-match", "\"33a64df551425fcc\""),
        ("origin", "https://shop.example.com"),
        ("pragma", "no-cache"),
        ("priority", "u=1, i"),
        ("referer", "https://shop.example.com/orders"),
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-site", "same-site"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("tracestate", "vendor=00f067aa0ba902b7"),
        ("x-b3-sampled", "1"),
        ("x-client-version", "7.3.1"),
        ("x-envoy-expected-rq-timeout-ms", "15000"),
        ("x-forwarded-for", "192.0.2.17"),
        ("x-tenant-id", "tenant-42"),
    ]));
    assert_eq!(all.len(), 30);
    all
}

fn headers(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
