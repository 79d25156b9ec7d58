//! The table of scenarios on the engine alone, with a fake for a host.

use crate::fixtures::leaf;
use crate::table::{Seen, Step, Who};
use certgate_core::engine::reply::Reply;
use certgate_core::engine::{Engine, Outcome};
use certgate_test_support::certificates::{IssuedCertificate, days};
use certgate_test_support::fakes::engine_since;
use certgate_test_support::fakes::{Fake, FakeLedger};
use std::cell::RefCell;
use time::OffsetDateTime;

fn certificate_of(who: Who) -> IssuedCertificate {
    let period = match who {
        Who::Expired => (-2, -1),
        Who::NotYetValid => (1, 2),
        _ => (-1, 1),
    };
    leaf().valid(days(OffsetDateTime::now_utc(), period)).self_signed()
}

fn send(engine: &Engine, store: &FakeLedger, step: &Step, certificate: &IssuedCertificate) -> Seen {
    let usual = [(":method", "GET"), (":path", "/"), (":authority", "localhost")];
    let headers: Vec<_> =
        usual.iter().chain(&step.headers).map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let shown = (step.who != Who::Nobody).then_some(certificate);
    let fake = Fake {
        store: Some(store),
        digest: shown.map(|certificate| certificate.fingerprint.clone().into()),
        certificate: shown.map(|certificate| certificate.pem.clone().into()),
        monotonic: certgate_core::domain::time::Nanos(1_000_000_000_000),
        wall: OffsetDateTime::now_utc().unix_timestamp(),
        headers: RefCell::new(headers.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()),
        ..Fake::default()
    };
    let mut seen = match fake.handle(engine, headers.iter().copied()) {
        Outcome::Forward(forward) => {
            let pairs = forward.headers.iter().flat_map(|headers| headers.pairs());
            forwarded(&fake, certificate, pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
        }
        Outcome::Reply(reply) => answered(&reply),
    };
    let filter_state = fake.filter_state.take();
    seen.reason = filter_state.into_iter().find(|(key, _)| key == "certgate.reason").map(|(_, value)| value);
    seen
}

fn forwarded(fake: &Fake<'_>, certificate: &IssuedCertificate, response: Vec<(String, String)>) -> Seen {
    let headers = fake.headers.borrow();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let header = |name: &str| {
        let values: Vec<_> = headers.iter().filter(|(other, _)| other == name.as_bytes()).collect();
        assert!(values.len() <= 1, "{name} goes upstream more than once");
        values.first().map(|(_, value)| text(value))
    };
    for forged in ["client-cert", "x-client-groups"] {
        assert_eq!(header(forged), None);
    }
    let rate_limit = |name: &str| response.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
    Seen {
        status: 200,
        alias: header("x-client-alias"),
        tier: header("x-client-tier"),
        fingerprint: header("x-client-fingerprint").as_ref() == Some(&certificate.fingerprint),
        policy: rate_limit("ratelimit-policy"),
        rate_limit: rate_limit("ratelimit").as_deref().map(Seen::in_minutes),
        ..Seen::default()
    }
}

fn answered(reply: &Reply) -> Seen {
    let header =
        |name: &str| reply.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.to_string());
    assert_eq!(header("cache-control").as_deref(), Some("no-store"));
    assert_eq!(header("content-type").as_deref(), Some("application/problem+json"));
    Seen {
        status: u16::try_from(reply.status).unwrap(),
        retry_after: header("retry-after").map(|seconds| Seen::minutes(seconds.parse().unwrap())),
        policy: header("ratelimit-policy"),
        rate_limit: header("ratelimit").as_deref().map(Seen::in_minutes),
        body: Some(reply.body.to_string()),
        ..Seen::default()
    }
}

#[test]
fn every_scenario_on_the_engine() {
    let certificates = Who::ALL.map(|who| (who, certificate_of(who)));
    let of = |who: Who| &certificates.iter().find(|(other, _)| *other == who).unwrap().1;
    for scenario in crate::table::all() {
        let mut configuration = crate::table::registry(|who| (of(who).fingerprint.clone(), of(who).pem.clone()));
        configuration.as_object_mut().unwrap().extend(scenario.options.as_object().unwrap().clone());
        let store = FakeLedger::default();
        let engine = engine_since(0, &configuration, &store);
        for (place, step) in scenario.steps.iter().enumerate() {
            let seen = send(&engine, &store, step, of(step.who));
            assert_eq!(seen, step.seen, "{}, request {place}, {:?}", scenario.name, step.who);
        }
    }
}
