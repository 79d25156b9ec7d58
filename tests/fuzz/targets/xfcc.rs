//! Certificates that a relay forwards in `x-forwarded-client-cert`: a caller becomes a client only by that client's
//! fingerprint in the last element.
#![no_main]

use certgate_core::engine::{Engine, Outcome};
use certgate_test_support::fakes::{Fake, FakeLedger, engine_since};
use certgate_test_support::registry::{by_fingerprint, merge, registry};
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use std::sync::LazyLock;

const RELAY: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const CLIENT: &str = "2222222222222222222222222222222222222222222222222222222222222222";

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let relays = json!({"identity": {"source": "xfcc", "trusted_relays": [{"sha256": RELAY}]}});
    let registry = registry(&[("t", json!([]))], &[by_fingerprint("a", "t", CLIENT)]);
    engine_since(0, &merge(registry, &relays), &FakeLedger::default())
});

fuzz_target!(|lines: Vec<&[u8]>| {
    let headers: Vec<_> = lines.iter().map(|line| (&b"x-forwarded-client-cert"[..], *line)).collect();
    let request = |digest: &str| {
        let fake = Fake { digest: Some(digest.into()), ..Fake::default() };
        fake.headers.replace(headers.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect());
        matches!(fake.handle(&ENGINE, headers.iter().copied()), Outcome::Forward(_))
    };
    assert!(!request(&"3".repeat(64)), "a stranger passed");
    let named = lines
        .last()
        .is_some_and(|line| line.to_ascii_lowercase().windows(CLIENT.len()).any(|window| window == CLIENT.as_bytes()));
    assert!(!request(RELAY) || named, "somebody else passed");
});
