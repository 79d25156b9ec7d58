//! What a relay forwards about its clients: nobody becomes a client by it but who has that client's fingerprint in the last
//! element.
#![no_main]

use certgate_core::config;
use certgate_core::domain::time::UnixSeconds;
use certgate_test_support::fakes::{Fake, FakeLedger};
use certgate_core::engine::generation::GenerationCounter;
use certgate_core::engine::{Engine, Outcome};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

const RELAY: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const CLIENT: &str = "2222222222222222222222222222222222222222222222222222222222222222";

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let configuration = format!(
        r#"{{"version": 1, "tiers": {{"t": {{}}}}, "identity": {{"source": "xfcc", "trusted_relays": [{{"sha256": "{RELAY}"}}]}},
        "clients": [{{"alias": "a", "tier": "t", "credentials": [{{"sha256": "{CLIENT}"}}]}}]}}"#
    );
    let policy = config::read(configuration.as_bytes()).expect("a configuration");
    let (generation, _) = GenerationCounter::take_up(&FakeLedger::default(), [0; 16], UnixSeconds(0)).expect("a store");
    Engine::new(policy, generation)
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
