//! The table of causes on the engine alone, with a fake for a host.

use crate::fixtures::{NOW, authority_named, days, engine, leaf, nobody};
use certgate_core::domain::cause::Cause;
use certgate_core::engine::{Outcome, apply};
use certgate_test_support::causes::{CART, Cast, Certificate, Host, Refused, Who, all, odd};
use certgate_test_support::certificates::{Authority, IssuedCertificate};
use certgate_test_support::fakes::{Fake, FakeLedger, Fault, engine_after};
use certgate_test_support::registry::merge;
use certgate_test_support::repository;
use rcgen::{DnType, KeyPair};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use time::{Duration, OffsetDateTime};

/// The certificates of everybody.
struct Certificates {
    authority: Authority,
    all: Vec<(Who, IssuedCertificate)>,
}

impl Certificates {
    fn new() -> Self {
        let authority = authority_named(&[(DnType::CommonName, "the trusted authority")]);
        let template = |who| match who {
            Who::Named => leaf().uris([CART]),
            Who::Expired => leaf().valid(days(-2, -1)),
            Who::Early => leaf().valid(days(1, 2)),
            _ => leaf(),
        };
        let everybody = [Who::Client, Who::Named, Who::Expired, Who::Early, Who::Relay, Who::Stranger];
        let mut all: Vec<_> = everybody.map(|who| (who, authority.issue(&template(who)))).into();
        let key = KeyPair::generate().unwrap();
        all.push((Who::Odd, IssuedCertificate::new(odd(&key), &key)));
        Self { authority, all }
    }

    fn of(&self, who: Who) -> &IssuedCertificate {
        &self.all.iter().find(|(other, _)| *other == who).unwrap().1
    }
}

impl Cast for Certificates {
    fn certificate(&self, who: Who) -> Certificate {
        let IssuedCertificate { fingerprint, spki_sha256, pem, .. } = self.of(who).clone();
        Certificate { fingerprint, spki_sha256, pem }
    }

    fn crl(&self, revoked: Option<Who>, next_update: i64) -> String {
        // Every leaf has the serial number 1.
        let serials: Vec<_> = revoked.iter().map(|_| 1_u64).collect();
        let now = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
        self.authority.crl(&serials, (now - Duration::HOUR, now + Duration::seconds(next_update)))
    }
}

/// A worker under this request.
fn worker<'s>(cast: &Certificates, refused: &Refused, store: &'s FakeLedger) -> Fake<'s> {
    let shown = (refused.who != Who::Nobody).then(|| cast.of(refused.who));
    let digest = shown.map(|certificate| certificate.fingerprint.clone().into());
    let certificate = shown.map(|certificate| certificate.pem.clone().into());
    let usual = Fake { store: Some(store), digest, certificate, verified: true, ..nobody() };
    match &refused.host {
        Host::Usual | Host::NoConfiguration => usual,
        Host::Unverified => Fake { verified: false, ..usual },
        Host::Hidden => Fake { certificate: None, ..usual },
        Host::Differs => Fake { certificate: Some(cast.of(Who::Stranger).pem.clone().into()), ..usual },
        Host::Malformed => Fake { digest: None, certificate: Some(b"no certificate".into()), ..usual },
        Host::ServerName(name) => Fake { server_name: Some((*name).into()), ..usual },
        Host::Token(thumbprint) => Fake { token_thumbprint: Some(thumbprint.clone().into()), ..usual },
        Host::StoreFails => Fake { fault: Fault::Read, ..usual },
        Host::StoreContended => Fake { fault: Fault::Contended, ..usual },
        Host::PropertyFails => Fake { fault: Fault::Property, ..usual },
    }
}

/// The log line of the last of these requests, and the cause and the limits in its filter state.
fn refuse(cast: &Certificates, refused: &Refused) -> (Value, [Option<String>; 2]) {
    let store = FakeLedger::default();
    let always = merge(refused.configuration.clone(), &json!({"filter_state": "always"}));
    let engine = match &refused.former {
        Some(former) => engine_after(NOW, former, &always, &store),
        None => engine(&always, &store),
    };
    let usual = [(":method", "GET"), (":path", refused.path), (":authority", refused.authority)];
    let more = refused.headers.iter().map(|(name, value)| (*name, value.as_str()));
    let headers: Vec<_> = usual.into_iter().chain(more).map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
    for _ in 0..refused.before {
        let before = worker(cast, refused, &store).handle(&engine, headers.iter().copied());
        assert!(matches!(before, Outcome::Forward(_)));
    }
    let fake = worker(cast, refused, &store);
    let outcome = match refused.host {
        Host::NoConfiguration => apply::refuse_undecided(&fake, Cause::NoConfiguration, None),
        _ => fake.handle(&engine, headers.iter().copied()),
    };
    let Outcome::Reply(reply) = outcome else { panic!("{} passes", refused.cause) };
    let told = format!("{reply:?}");
    assert!(!told.contains(refused.cause), "{told}");
    let state = fake.filter_state.take();
    let state = ["certgate.cause", "certgate.limits"]
        .map(|key| state.iter().find(|(other, _)| other == key).map(|(_, value)| value.clone()));
    let lines = fake.lines.take();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    (serde_json::from_str(line).unwrap(), state)
}

#[test]
fn every_cause_of_every_reason() {
    let cast = Certificates::new();
    let mut causes = BTreeSet::new();
    for refused in all(&cast) {
        let (line, [cause, limits]) = refuse(&cast, &refused);
        let said = (line["certgate.reason"].as_str(), line["certgate.cause"].as_str());
        assert_eq!(said, (Some(refused.reason), Some(refused.cause)), "{refused:#?}");
        for (field, expected) in refused.fields.as_object().unwrap() {
            assert_eq!(&line[field], expected, "{field}: {refused:#?}");
        }
        if refused.host != Host::NoConfiguration {
            assert_eq!(cause.as_deref(), Some(refused.cause));
        }
        assert_eq!(limits.as_deref(), line["certgate.limits"].as_str());
        causes.insert(refused.cause);
    }
    assert_eq!(causes, Cause::ALL.map(Cause::as_str).into());
}

#[test]
fn every_cause_has_its_row_in_the_documentation() {
    let page = fs::read_to_string(repository().join("docs/operate/reasons.md")).unwrap();
    for Refused { reason, cause, .. } in all(&Certificates::new()) {
        let row = format!("| `{reason}` | `{cause}` |");
        assert!(page.contains(&row), "no row {row}");
    }
}
