//! The engine with a host that fails, and the state that it leaves behind.

use crate::fixtures::leaf;
use certgate_core::domain::decision::Reason;
use certgate_core::domain::policy::Policy;
use certgate_core::domain::time::Nanos;
use certgate_core::engine::generation::GenerationCounter;
use certgate_core::engine::{Engine, Forward, Outcome};
use certgate_core::telemetry::log_limiter::LogLimiter;
use certgate_test_support::fakes::engine_since;
use certgate_test_support::fakes::{Decided, Fake, FakeLedger, Fault};
use certgate_test_support::laws::cases;
use certgate_test_support::registry::{by_fingerprint, merge, registry};
use serde_json::{Value, json};

const KNOWN: &str = "6ef8a2000000000000000000000000000000000000000000000000000000aaaa";
const NOW: Nanos = Nanos(1_000_000_000_000);

fn engine(configuration: &Value) -> Engine {
    engine_since(0, configuration, &FakeLedger::default())
}

fn configuration(mode: &str) -> Value {
    let tiers = [("bronze", json!([{"name": "hourly", "requests": 3, "per": "1h"}]))];
    merge(registry(&tiers, &[by_fingerprint("known", "bronze", KNOWN)]), &json!({"mode": mode}))
}

fn fake<'s>(store: &'s FakeLedger, digest: &str) -> Fake<'s> {
    Fake { store: Some(store), digest: Some(digest.into()), monotonic: NOW, ..Fake::default() }
}

fn request(engine: &Engine, fake: &Fake<'_>) -> Outcome {
    let headers =
        [(":path", "/"), ("x-client-alias", "forged")].map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    fake.headers.replace(headers.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect());
    fake.handle(engine, headers.into_iter())
}

fn reason(fake: &Fake<'_>) -> Option<Reason> {
    let decided = fake.decided.borrow();
    assert_eq!(decided.len(), 1, "each request is counted once");
    decided[0].0
}

/// A host may decide on several threads with one engine.
#[test]
fn what_hosts_share_is_send_and_sync() {
    fn shared<T: Send + Sync>() {}
    shared::<Engine>();
    shared::<Policy>();
    shared::<GenerationCounter>();
    shared::<Outcome>();
    shared::<LogLimiter>();
}

#[test]
fn nothing_that_fails_lets_a_request_through() {
    let engine = engine(&configuration("enforce"));
    let faults = [
        (Fault::Property, Reason::Internal),
        (Fault::Read, Reason::StoreUnavailable),
        (Fault::Write, Reason::StoreUnavailable),
        (Fault::Contended, Reason::StoreUnavailable),
        (Fault::Remove, Reason::Internal),
        (Fault::Set, Reason::Internal),
        (Fault::Monotonic, Reason::Internal),
        (Fault::Wall, Reason::Internal),
    ];
    for (fault, expected) in faults {
        let store = FakeLedger::default();
        let fake = Fake { fault, ..fake(&store, KNOWN) };
        let Outcome::Reply(reply) = request(&engine, &fake) else { panic!("{fault:?} let a request through") };
        assert_eq!((reply.status, reply.body.contains("Service Unavailable")), (503, true), "{fault:?}");
        assert_eq!(reason(&fake), Some(expected), "{fault:?}");
    }
}

#[test]
fn in_shadow_mode_what_fails_goes_on_but_never_under_a_name_that_is_not_certgates_word() {
    let engine = engine(&configuration("shadow"));
    for fault in [Fault::Property, Fault::Read, Fault::Write, Fault::Contended, Fault::Monotonic, Fault::Wall] {
        let store = FakeLedger::default();
        let fake = Fake { fault, ..fake(&store, KNOWN) };
        assert!(matches!(request(&engine, &fake), Outcome::Forward(Forward { headers: None, .. })), "{fault:?}");
        assert!(fake.headers.borrow().iter().all(|(name, _)| name != b"x-client-alias"), "{fault:?}");
    }
    for fault in [Fault::Remove, Fault::Set] {
        let store = FakeLedger::default();
        let fake = Fake { fault, ..fake(&store, KNOWN) };
        assert!(matches!(request(&engine, &fake), Outcome::Reply(_)), "{fault:?}");
    }
}

/// Whichever path needs a clock: by a window or by dates of a certificate, by a bucket, by a quota, without a limit.
#[test]
fn a_clock_that_fails_refuses_every_request_that_needs_it() {
    let with = |pointer: &str, value: Value| {
        let mut configuration = configuration("enforce");
        *configuration.pointer_mut(pointer).unwrap() = value;
        configuration
    };
    let quota = json!([{"name": "daily", "kind": "quota", "requests": 3, "per": "day"}]);
    let window = json!([{"sha256": KNOWN, "not_after": "2099-01-01T00:00:00Z"}]);
    let unlimited = with("/tiers/bronze", json!({}));
    let table = [
        (configuration("enforce"), &[Fault::Monotonic, Fault::Wall][..]),
        (with("/tiers/bronze/limits", quota), &[Fault::Monotonic, Fault::Wall]),
        (with("/clients/0/credentials", window), &[Fault::Monotonic, Fault::Wall]),
        // The certificate's dates are looked for once a minute.
        (unlimited, &[Fault::Monotonic, Fault::Wall]),
    ];
    for (configuration, faults) in table {
        for fault in faults {
            let (engine, store) = (engine(&configuration), FakeLedger::default());
            for _ in 0..3 {
                let fake = Fake { fault: *fault, ..fake(&store, KNOWN) };
                let Outcome::Reply(reply) = request(&engine, &fake) else { panic!("{fault:?} under {configuration}") };
                assert_eq!((reply.status, reason(&fake)), (503, Some(Reason::Internal)), "{fault:?}, {configuration}");
            }
            assert!(store.values().is_empty(), "{fault:?} under {configuration}");
        }
    }
}

#[test]
fn digests_that_are_none_are_errors() {
    let engine = engine(&configuration("enforce"));
    for digest in ["zz", "6ef8", &KNOWN[1..], &format!("{KNOWN}00"), "\u{e4}"] {
        let store = FakeLedger::default();
        let fake = fake(&store, digest);
        assert!(matches!(request(&engine, &fake), Outcome::Reply(reply) if reply.status == 503), "{digest}");
        assert_eq!(reason(&fake), Some(Reason::Internal), "{digest}");
    }
}

#[test]
fn unknown_certificates_leave_no_key_and_move_no_bucket() {
    let engine = engine(&configuration("enforce"));
    let store = FakeLedger::default();
    assert!(matches!(request(&engine, &fake(&store, KNOWN)), Outcome::Forward(_)));
    let before = store.values();
    for number in 0..cases(1_000_000) {
        let unknown = fake(&store, &format!("{number:064x}"));
        assert!(matches!(unknown.handle(&engine, std::iter::empty()), Outcome::Reply(_)));
        assert_eq!(*unknown.decided.borrow(), [Decided(Some(Reason::UnknownCertificate), None, None)]);
    }
    assert_eq!(store.values(), before);
}

#[test]
fn a_bucket_that_cannot_be_read_is_spent_and_fills_again() {
    let engine = engine(&configuration("enforce"));
    for foreign in [&b""[..], b"\x02some other layout", b"\x01too short"] {
        let store = FakeLedger::default();
        store.overwrite("known", foreign);
        let spent = fake(&store, KNOWN);
        assert!(matches!(request(&engine, &spent), Outcome::Reply(reply) if reply.status == 429));
        let later = Fake { monotonic: Nanos(NOW.0 + 1200 * Nanos::PER_SECOND), ..fake(&store, KNOWN) };
        assert!(matches!(request(&engine, &later), Outcome::Forward(_)));
        assert!(matches!(request(&engine, &later), Outcome::Reply(reply) if reply.status == 429));
    }
}

#[test]
fn a_configuration_that_is_pushed_again_is_the_newest_also_where_it_was_never_given_up() {
    let (store, large) =
        (FakeLedger::default(), json!({"limits": [{"name": "hourly", "requests": 1000, "per": "1h"}]}));
    let small = configuration("enforce");
    let mut other = small.clone();
    other["tiers"]["bronze"] = large;
    // A stream of old keeps the first worker's context alive while the other configuration comes and goes.
    let kept = engine_since(0, &small, &store);
    let between = engine_since(0, &other, &store);
    for _ in 0..2 {
        assert!(matches!(request(&between, &fake(&store, KNOWN)), Outcome::Forward(_)));
    }
    let _again = engine_since(0, &small, &store);
    assert!(matches!(request(&kept, &fake(&store, KNOWN)), Outcome::Forward(_)), "two of three are spent");
    assert!(matches!(request(&kept, &fake(&store, KNOWN)), Outcome::Reply(_)), "and now three");
}

#[test]
fn connection_names_no_header_of_certgates() {
    let engine = engine(&configuration("enforce"));
    for (value, expected) in [
        ("upgrade, x-client-alias", Some("upgrade")),
        ("X-Client-Tier,close ,, X_Client.Fingerprint", Some("close")),
        ("x-client-alias", None),
        ("keep-alive,te", Some("keep-alive,te")),
    ] {
        let store = FakeLedger::default();
        let fake = fake(&store, KNOWN);
        let headers = [("connection", value)].map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        fake.headers.replace(headers.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect());
        assert!(matches!(fake.handle(&engine, headers.into_iter()), Outcome::Forward(_)));
        let headers = fake.headers.borrow();
        let kept = headers.iter().find(|(name, _)| name == b"connection").map(|(_, value)| value.as_slice());
        assert_eq!(kept, expected.map(str::as_bytes), "{value}");
    }
}

/// The first and the last second of the validity of a [`leaf`].
const NOT_BEFORE: i64 = crate::fixtures::NOW - 86_400;
const NOT_AFTER: i64 = crate::fixtures::NOW + 86_400;

fn registered(fingerprint: &str) -> Engine {
    let mut configuration = configuration("enforce");
    configuration["clients"][0]["credentials"][0]["sha256"] = json!(fingerprint);
    configuration["tiers"]["bronze"] = json!({});
    engine(&configuration)
}

#[test]
fn a_certificate_is_valid_from_its_first_second_to_its_last() {
    let leaf = leaf().self_signed();
    let engine = registered(&leaf.fingerprint);
    let moments = [
        (NOT_BEFORE - 1, Some(Reason::CertificateNotYetValid)),
        (NOT_BEFORE, None),
        (NOT_AFTER, None),
        (NOT_AFTER + 1, Some(Reason::CertificateExpired)),
        (i64::MAX, Some(Reason::CertificateExpired)),
        (i64::MIN, Some(Reason::CertificateNotYetValid)),
    ];
    for (wall, expected) in moments {
        let store = FakeLedger::default();
        let fake = Fake { certificate: Some(leaf.pem.clone().into()), wall, ..fake(&store, &leaf.fingerprint) };
        request(&engine, &fake);
        assert_eq!(reason(&fake), expected, "{wall}");
    }
}

#[test]
fn a_certificate_is_read_once() {
    let leaf = leaf().self_signed();
    let engine = registered(&leaf.fingerprint);
    let store = FakeLedger::default();
    let fake = Fake { certificate: Some(leaf.pem.clone().into()), wall: NOT_BEFORE, ..fake(&store, &leaf.fingerprint) };
    for _ in 0..1000 {
        request(&engine, &fake);
    }
    assert_eq!(fake.certificate_reads.get(), 1);
}

#[test]
fn a_certificate_that_is_not_shown_passes_and_is_counted_and_looked_for_again() {
    let leaf = leaf().self_signed();
    let engine = registered(&leaf.fingerprint);
    let store = FakeLedger::default();
    let hidden = |seconds: u64| Fake {
        monotonic: Nanos(NOW.0 + seconds * Nanos::PER_SECOND),
        wall: NOT_AFTER + 1,
        ..fake(&store, &leaf.fingerprint)
    };
    for (seconds, reads) in [(0, 1), (1, 0), (59, 0), (60, 1)] {
        let fake = hidden(seconds);
        assert!(matches!(request(&engine, &fake), Outcome::Forward(_)));
        assert_eq!((fake.dates_unchecked.get(), fake.certificate_reads.get()), (1, reads), "{seconds}");
    }
    let shown = Fake { certificate: Some(leaf.pem.clone().into()), ..hidden(120) };
    request(&engine, &shown);
    assert_eq!(reason(&shown), Some(Reason::CertificateExpired));
}

#[test]
fn a_certificate_that_is_another_or_none_is_unreadable() {
    let (leaf, other) = (leaf().self_signed(), leaf().self_signed());
    for shown in
        [other.pem.as_str(), "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "%zz"]
    {
        let engine = registered(&leaf.fingerprint);
        let store = FakeLedger::default();
        let fake = Fake { certificate: Some(shown.into()), wall: NOT_BEFORE, ..fake(&store, &leaf.fingerprint) };
        assert!(matches!(request(&engine, &fake), Outcome::Reply(reply) if reply.status == 403), "{shown}");
        assert_eq!(reason(&fake), Some(Reason::CertificateUnreadable), "{shown}");
    }
}

#[test]
fn without_a_digest_the_certificate_itself_identifies() {
    let leaf = leaf().self_signed();
    let engine = registered(&leaf.fingerprint);
    let encoded = percent_encoding::utf8_percent_encode(&leaf.pem, percent_encoding::NON_ALPHANUMERIC).to_string();
    for text in [leaf.pem.clone(), encoded] {
        let store = FakeLedger::default();
        let fake = Fake { digest: None, certificate: Some(text.into()), wall: NOT_BEFORE, ..fake(&store, "") };
        assert!(matches!(request(&engine, &fake), Outcome::Forward(_)));
        let set = (b"x-client-fingerprint".to_vec(), leaf.fingerprint.clone().into_bytes());
        assert!(fake.headers.borrow().contains(&set));
    }
}

#[test]
fn grpc_requests_get_a_grpc_status() {
    let engine = engine(&configuration("enforce"));
    for (content_type, grpc) in [
        ("application/grpc", true),
        ("application/grpc+proto", true),
        ("application/grpc-web", false),
        ("application/json", false),
    ] {
        let store = FakeLedger::default();
        let fake = fake(&store, &"0".repeat(64));
        let headers = [("content-type", content_type)].map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let Outcome::Reply(reply) = fake.handle(&engine, headers.into_iter()) else { panic!("a stranger passed") };
        assert_eq!(reply.grpc_status, grpc.then_some(7), "{content_type}");
        assert_eq!(reply.headers.iter().any(|(name, _)| *name == "content-type"), !grpc, "{content_type}");
    }
}
