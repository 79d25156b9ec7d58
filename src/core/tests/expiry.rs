//! Credentials whose ends metrics show: the soonest, up to a number, and those that requests show.

use crate::fixtures::{NOW, authority, days, engine, fake, leaf, send};
use certgate_core::calendar;
use certgate_core::config;
use certgate_core::domain::credential::CredentialIndex;
use certgate_core::domain::expiry::{Expiries, UNKNOWN};
use certgate_core::domain::policy::Policy;
use certgate_core::domain::time::UnixSeconds;
use certgate_test_support::certificates::IssuedCertificate;
use certgate_test_support::fakes::FakeLedger;
use certgate_test_support::laws::cases;
use certgate_test_support::registry::{self, merge};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

const DAY: i64 = 86_400;

fn registry(clients: &[(&str, bool, Value)], series: usize) -> Value {
    let client = |(alias, enabled, credentials): &(&str, bool, Value)| json!({"alias": alias, "tier": "t", "enabled": enabled, "credentials": credentials});
    let clients: Vec<_> = clients.iter().map(client).collect();
    merge(registry::registry(&[("t", json!([]))], &clients), &json!({"metrics": {"clients": series}}))
}

fn policy(registry: &Value) -> Policy {
    config::read(registry.to_string().as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Of each credential that is shown: which it is, its name, its end if that is known.
type Ends = Vec<(usize, Option<String>, Option<u32>)>;

/// In the order of the credentials.
fn ends(expiries: &Expiries) -> Ends {
    let known = |end| (end != UNKNOWN).then_some(end);
    let mut ends: Ends = expiries
        .iter()
        .map(|expiry| (expiry.credential.0, expiry.name.map(str::to_owned), known(expiry.not_after)))
        .collect();
    ends.sort();
    ends
}

fn digest(number: usize) -> String {
    format!("{number:064x}")
}

fn moment(seconds: i64) -> String {
    calendar::rfc3339(UnixSeconds(seconds)).to_string()
}

fn certificate(last_day: i64) -> IssuedCertificate {
    authority().issue(&leaf().valid(days(-1, last_day)))
}

#[test]
fn a_credential_ends_with_its_certificate_or_by_the_operators_word() {
    let leaf = certificate(10);
    let (earlier, later) = (moment(NOW + DAY), moment(NOW + 20 * DAY));
    let pem = |not_after: &str| json!({"pem": leaf.pem, "name": "server", "not_after": not_after});
    for (credential, name, end) in [
        (json!({"pem": leaf.pem}), None, Some(NOW + 10 * DAY)),
        (pem(&earlier), Some("server"), Some(NOW + DAY)),
        (pem(&later), Some("server"), Some(NOW + 10 * DAY)),
        (json!({"uri_san": "spiffe://a.example/b", "not_after": earlier}), None, Some(NOW + DAY)),
        (json!({"sha256": digest(1), "not_after": later}), None, Some(NOW + 20 * DAY)),
        (json!({"sha256": digest(1), "not_before": earlier, "name": "laptop"}), Some("laptop"), None),
        // As good as never, and long ago.
        (json!({"sha256": digest(1), "not_after": "2200-01-01T00:00:00Z"}), None, None),
        (json!({"sha256": digest(1), "not_after": "1960-01-01T00:00:00Z"}), None, Some(1)),
    ] {
        let policy = policy(&registry(&[("a", true, json!([credential]))], 10));
        let end = end.map(|end| u32::try_from(end).unwrap());
        assert_eq!(ends(&policy.expiries), [(0, name.map(str::to_owned), end)], "{credential}");
    }
}

#[test]
fn what_nobody_needs_to_renew_is_not_shown() {
    let end = moment(NOW);
    let credentials = json!([
        {"sha256": digest(0), "not_after": end, "revoked": true},
        {"dns_san": "a.example"},
        {"spki_sha256": digest(2)},
        {"sha256": digest(3), "not_after": end},
    ]);
    let disabled = json!([{"sha256": digest(4), "not_after": end}, {"sha256": digest(5)}]);
    let registry = registry(&[("a", true, credentials), ("b", false, disabled)], 10);
    assert_eq!(ends(&policy(&registry).expiries), [(3, None, Some(NOW as u32))]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(200)))]

    /// Days until it ends, whether it is revoked, whether it is a certificate's, whether it has a name.
    #[test]
    fn the_soonest_are_shown_and_no_more_than_so_many(
        clients in vec((any::<bool>(), vec((option::of(0_i64..5), any::<bool>(), any::<bool>(), any::<bool>()), 1..5)), 0..8),
        series in 0_usize..20,
    ) {
        let mut number = 0;
        let mut usable = Vec::new();
        let aliases: Vec<_> = (0..clients.len()).map(|place| format!("c{place}")).collect();
        let mut listed = Vec::new();
        for (alias, (enabled, credentials)) in aliases.iter().zip(&clients) {
            let mut list = Vec::new();
            for (days, revoked, certificate, named) in credentials {
                let kind = if *certificate { "sha256" } else { "spki_sha256" };
                let mut credential = json!({kind: digest(number), "revoked": revoked});
                let name = named.then(|| format!("n{number}"));
                if let Some(name) = &name {
                    credential["name"] = json!(name);
                }
                let end = days.map(|days| NOW + days * DAY);
                if let Some(end) = end {
                    credential["not_after"] = json!(moment(end));
                }
                if *enabled && !revoked && (end.is_some() || *certificate) {
                    usable.push((end.unwrap_or(i64::MAX), number, name));
                }
                list.push(credential);
                number += 1;
            }
            listed.push((alias.as_str(), *enabled, json!(list)));
        }
        usable.sort();
        usable.truncate(series);
        let known = |end| u32::try_from(end).ok();
        let mut expected: Ends = usable.into_iter().map(|(end, number, name)| (number, name, known(end))).collect();
        expected.sort();
        let registry = registry(&listed, series);
        prop_assert_eq!(ends(&policy(&registry).expiries), expected.clone());
        let snapshot = config::compile(registry.to_string().as_bytes(), config::Capabilities::default()).unwrap().unwrap();
        prop_assert_eq!(ends(&config::load(snapshot).unwrap().expiries), expected);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..100)) {
        let most = bytes.len() / 9;
        prop_assert!(Expiries::from_bytes(bytes).iter().count() <= most);
    }
}

#[test]
fn what_a_certificate_shows_of_itself_is_told_once() {
    let leaf = certificate(3);
    let expected = [(CredentialIndex(0), UnixSeconds(NOW + 3 * DAY))];
    let known = json!([{"sha256": leaf.fingerprint}]);
    // Where only the fingerprint matters, and where the certificate's content does too.
    for more in [json!({}), json!({"headers": {"subject": "x-client-subject"}})] {
        let mut registry = registry(&[("a", true, known.clone())], 10);
        registry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let engine = engine(&registry, &FakeLedger::default());
        let fake = fake(&leaf);
        for _ in 0..3 {
            assert_eq!(send(&engine, &fake, &[]).alias.as_deref(), Some("a"));
        }
        assert_eq!(*fake.parsed.borrow(), expected, "{more}");
    }
}

#[test]
fn what_strangers_and_names_show_is_not_told() {
    let (leaf, stranger) = (certificate(3), certificate(4));
    let by_key = json!([{"spki_sha256": leaf.spki_sha256}]);
    let engine = engine(&registry(&[("a", true, by_key)], 10), &FakeLedger::default());
    for shown in [fake(&leaf), fake(&stranger)] {
        send(&engine, &shown, &[]);
        assert_eq!(*shown.parsed.borrow(), []);
    }
}
