//! The limits of rules, and the tiers that rules count in.

use crate::fixtures::{authority, engine, fake, header, leaf, nobody, send, who_with};
use certgate_core::domain::decision::Reason;
use certgate_core::engine::Engine;
use certgate_test_support::certificates::IssuedCertificate;
use certgate_test_support::fakes::{Fake, FakeLedger};
use certgate_test_support::registry::{by_fingerprint, merge, registry};
use serde_json::{Value, json};

/// A limit of so many requests an hour.
fn hourly(name: &str, requests: u32) -> Value {
    json!({"name": name, "requests": requests, "per": "1h"})
}

/// Two clients and a rule with these entries, which decides about `/rule`.
fn limited(certificates: [&IssuedCertificate; 2], rule: &Value) -> Value {
    let tiers = [("fast", json!([hourly("hourly", 5)])), ("slow", json!([hourly("hourly", 2)]))];
    let [a, b] = certificates.map(|certificate| &*certificate.fingerprint);
    let clients = [by_fingerprint("a", "fast", a), by_fingerprint("b", "slow", b)];
    let rules = json!({"anonymous_tier": "slow", "rules": [
        merge(json!({"name": "rule", "match": {"path": "/rule"}}), rule),
        {"match": {"path": "/open"}, "access": "optional"},
    ]});
    merge(registry(&tiers, &clients), &rules)
}

/// How many requests with this path pass, one after the other.
fn passing(engine: &Engine, fake: &Fake<'_>, path: &str) -> usize {
    let passes = |_: &usize| match send(engine, fake, &[(":path", path)]).reason {
        None => true,
        Some(Reason::LimitExceeded) => false,
        Some(other) => panic!("{path}: {other:?}"),
    };
    (0..100).take_while(passes).count()
}

fn two_clients() -> [IssuedCertificate; 2] {
    let authority = authority();
    [(); 2].map(|()| authority.issue(&leaf()))
}

fn in_store<'s>(store: &'s FakeLedger, fake: Fake<'s>) -> Fake<'s> {
    Fake { store: Some(store), ..fake }
}

#[test]
fn a_rules_limit_is_each_clients_own_and_takes_with_the_tiers_or_not_at_all() {
    let [a, b] = two_clients();
    let configuration = limited([&a, &b], &json!({"limits": [hourly("rule", 1)]}));
    let store = FakeLedger::default();
    let engine = engine(&configuration, &store);
    let [a, b] = [&a, &b].map(|leaf| in_store(&store, fake(leaf)));
    assert_eq!(passing(&engine, &a, "/rule"), 1);
    assert_eq!(passing(&engine, &a, "/"), 4, "the second, refused one took nothing");
    assert_eq!(passing(&engine, &b, "/rule"), 1);
    assert_eq!(passing(&engine, &b, "/"), 1);
}

#[test]
fn a_tier_that_is_used_up_leaves_the_rules_limit_whole() {
    let [a, b] = two_clients();
    let store = FakeLedger::default();
    let scarce = limited([&a, &b], &json!({"limits": [hourly("rule", 9)]}));
    let ample = merge(scarce.clone(), &json!({"tiers": {"fast": {}, "slow": {}}}));
    let a = in_store(&store, fake(&a));
    assert_eq!(passing(&engine(&scarce, &store), &a, "/rule"), 5);
    assert_eq!(passing(&engine(&ample, &store), &a, "/rule"), 4, "nine, without the five that passed");
}

#[test]
fn a_reload_keeps_what_is_spent_of_a_rules_limit() {
    let [a, b] = two_clients();
    let store = FakeLedger::default();
    let before = limited([&a, &b], &json!({"limits": [hourly("rule", 2)]}));
    let caller = in_store(&store, fake(&a));
    assert_eq!(passing(&engine(&before, &store), &caller, "/rule"), 2);
    for (rule, expected) in [
        (json!({"limits": [hourly("rule", 2)], "access": "optional"}), 0),
        (json!({"limits": [hourly("rule", 3)]}), 1),
        (json!({"limits": [hourly("other", 1)]}), 1),
        (json!({"limits": [hourly("rule", 2)], "name": "another"}), 1),
    ] {
        let after = engine(&limited([&a, &b], &rule), &store);
        assert_eq!(passing(&after, &caller, "/rule"), expected, "{rule}");
    }
}

#[test]
fn the_tier_of_a_rule_counts_in_buckets_of_its_own_and_is_what_upstreams_are_told() {
    let [a, b] = two_clients();
    let store = FakeLedger::default();
    let engine = engine(&limited([&a, &b], &json!({"tier": "slow"})), &store);
    let [a, b] = [&a, &b].map(|leaf| in_store(&store, fake(leaf)));
    for (fake, path, admitted, tier) in
        [(&a, "/rule", 2, "slow"), (&b, "/rule", 2, "slow"), (&a, "/", 5, "fast"), (&b, "/", 2, "slow")]
    {
        let first = send(&engine, fake, &[(":path", path)]);
        assert_eq!((first.reason, header(fake, "x-client-tier").as_deref()), (None, Some(tier)), "{path}");
        assert_eq!(passing(&engine, fake, path), admitted - 1, "{path}");
    }
}

#[test]
fn callers_without_a_certificate_share_one_bucket() {
    let [a, b] = two_clients();
    let store = FakeLedger::default();
    let rule = json!({"access": "optional", "limits": [hourly("rule", 1)]});
    let engine = engine(&limited([&a, &b], &rule), &store);
    let anonymous = || in_store(&store, nobody());
    assert_eq!(who_with(&engine, &anonymous(), &[(":path", "/rule")]), "nobody");
    assert_eq!(who_with(&engine, &anonymous(), &[(":path", "/rule")]), "limit_exceeded");
    assert_eq!(who_with(&engine, &anonymous(), &[(":path", "/open")]), "nobody");
    assert_eq!(who_with(&engine, &anonymous(), &[(":path", "/open")]), "limit_exceeded", "two in all");
    assert_eq!(who_with(&engine, &in_store(&store, fake(&b)), &[(":path", "/rule")]), "b", "nobody's is not theirs");
}

#[test]
fn the_tier_of_a_rule_counts_callers_without_a_certificate_too() {
    let [a, b] = two_clients();
    let store = FakeLedger::default();
    let engine = engine(&limited([&a, &b], &json!({"access": "optional", "tier": "fast"})), &store);
    let anonymous = in_store(&store, nobody());
    assert_eq!((passing(&engine, &anonymous, "/rule"), passing(&engine, &anonymous, "/open")), (5, 2));
    assert_eq!(header(&anonymous, "x-client-tier"), None);
}
