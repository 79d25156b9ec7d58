//! When credentials end, as gauges of a real Envoy: they are there from the start or once a certificate was seen, follow
//! the registry while Envoy runs, and go to 0 with what they are about.

use crate::support::admin::Admin;
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::envoys::VERSIONS;
use crate::support::pki::{Identity, Leaf};
use crate::support::registry;
use crate::support::wait::until;
use crate::support::world::World;
use certgate_core::{calendar, certificate};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const DAY: i64 = 86_400;

fn registry(credentials: &Value) -> Value {
    let client = json!({"alias": "partner-a", "tier": "unlimited", "credentials": credentials});
    registry::registry(&[("unlimited", json!([]))], &[client])
}

/// The certificate's own end, in seconds since 1970.
fn end(identity: &Identity) -> u64 {
    certificate::validity(&identity.der).unwrap().not_after.0.try_into().unwrap()
}

fn leaf(world: &World, days: i64) -> Identity {
    world.authority.issue(&Leaf::client("client").valid(-DAY..=days * DAY))
}

/// All gauges, by alias and credential.
async fn gauges(admin: Admin) -> BTreeMap<String, u64> {
    let series = admin.prometheus().await.into_iter();
    let gauges = series.filter(|series| series.name == "certgate_credential_not_after_timestamp_seconds");
    gauges
        .map(|series| {
            (
                format!(
                    "{alias} {credential}",
                    alias = series.labels["alias"],
                    credential = series.labels["credential"]
                ),
                series.value as u64,
            )
        })
        .collect()
}

/// Waits until they are these: the last worker may take a configuration up after Envoy has counted it.
async fn shows(admin: Admin, expected: &[(&str, u64)]) {
    let expected: BTreeMap<_, _> = expected.iter().map(|(name, end)| (format!("partner-a {name}"), *end)).collect();
    until(&format!("these gauges: {expected:?}"), async || (gauges(admin).await == expected).then_some(())).await;
}

#[tokio::test]
async fn they_follow_the_registry_and_go_to_0_with_what_they_are_about() {
    let world = World::new();
    let [first, second] = [20, 30].map(|days| leaf(&world, days));
    let earlier = end(&first) - 3600;
    let by_word = calendar::rfc3339(certgate_core::domain::time::UnixSeconds(earlier.try_into().unwrap())).to_string();
    let short = format!("sha256:{:.12}", second.fingerprint());
    let [first_pem, second_pem] = [&first, &second].map(|identity| identity.certificate_pem.as_str());
    let registries = [
        json!([{"pem": first_pem, "name": "laptop"}]),
        json!([{"pem": first_pem, "name": "laptop", "not_after": by_word}, {"pem": second_pem}]),
        json!([{"pem": first_pem, "name": "laptop", "revoked": true}, {"pem": second_pem}]),
    ];
    let [one, two, revoked] = registries.map(|credentials| registry(&credentials));
    let mut disabled = one.clone();
    disabled["clients"][0]["enabled"] = json!(false);

    let mut envoy = Envoy::start(world.ecds_bootstrap(&one)).await;
    let admin = envoy.admin;
    shows(admin, &[("laptop", end(&first))]).await;
    for (registry, expected) in [
        (&two, [("laptop", earlier), (short.as_str(), end(&second))]),
        (&revoked, [("laptop", 0), (&short, end(&second))]),
        // Pushed before, so that no canary sees it.
        (&one, [("laptop", end(&first)), (&short, 0)]),
        (&disabled, [("laptop", 0), (&short, 0)]),
        (&two, [("laptop", earlier), (&short, end(&second))]),
    ] {
        assert_eq!(envoy.push(registry).await, Outcome::Live);
        shows(admin, &expected).await;
    }
}

#[tokio::test]
async fn what_a_fingerprint_ends_with_is_known_once_it_was_seen_and_is_kept_across_reloads() {
    for version in VERSIONS {
        let world = World::new();
        let (client, other) = (leaf(&world, 20), leaf(&world, 30));
        let credentials = json!([{"sha256": client.fingerprint(), "name": "laptop"}, {"sha256": other.fingerprint(), "name": "server"}]);
        let mut registry = registry(&credentials);
        let bootstrap = world.ecds_bootstrap(&registry).version_that_shows_certificates(version);
        let mut envoy = Envoy::start(bootstrap).await;
        let admin = envoy.admin;
        shows(admin, &[("laptop", 0), ("server", 0)]).await;
        assert_eq!(world.caller(&client).get(envoy.port(), "/").await.status, 200);
        shows(admin, &[("laptop", end(&client)), ("server", 0)]).await;
        registry["clients"][0]["description"] = json!("another");
        assert_eq!(envoy.push(&registry).await, Outcome::Live);
        assert_eq!(world.caller(&other).get(envoy.port(), "/").await.status, 200);
        shows(admin, &[("laptop", end(&client)), ("server", end(&other))]).await;
    }
}

#[tokio::test]
async fn the_soonest_are_shown_and_no_more_than_so_many() {
    let world = World::new();
    let credential = |days: i64| json!({"pem": leaf(&world, days).certificate_pem, "name": format!("days-{days}")});
    let credentials: Vec<_> = [9, 3, 7, 1, 5].map(credential).into();
    let mut registry = registry(&json!(credentials));
    for (series, expected) in
        [(0, [].as_slice()), (2, &["days-1", "days-3"]), (4, &["days-1", "days-3", "days-5", "days-7"])]
    {
        registry["metrics"] = json!({"clients": series});
        let envoy = Envoy::start(world.bootstrap(&registry)).await;
        let names: Vec<_> = expected.iter().map(|name| format!("partner-a {name}")).collect();
        until(&format!("{names:?}"), async || {
            gauges(envoy.admin).await.into_keys().eq(names.iter().cloned()).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn two_plugins_in_one_vm_leave_each_others_alone() {
    let world = World::new();
    let [first, second] = [20, 30].map(|days| leaf(&world, days));
    let named = |identity: &Identity, name: &str| registry(&json!([{"pem": identity.certificate_pem, "name": name}]));
    let bootstrap = world.bootstrap(&named(&first, "first")).another_listener("other", &named(&second, "second"));
    let bootstrap = bootstrap.edit_plugin(|plugin| plugin["root_id"] = json!("another"));
    let envoy = Envoy::start(bootstrap).await;
    shows(envoy.admin, &[("first", end(&first)), ("second", end(&second))]).await;
}

#[tokio::test]
async fn what_another_plugin_still_has_stays_when_one_loses_it() {
    let world = World::new();
    let client = leaf(&world, 20);
    let with = registry(&json!([{"pem": client.certificate_pem, "name": "laptop"}]));
    let mut listing = with.clone();
    listing["crls"] = json!([{"pem": world.authority.crl(&[], 86_400)}]);
    let mut other = Value::Null;
    // The other listener uses the same files.
    let inline = world.bootstrap(&listing).edit_plugin(|plugin| plugin["root_id"] = json!("another"));
    let _inline = inline.edit_document(|document| other = document["static_resources"]["listeners"][0].clone());
    other["name"] = json!("other");
    let bootstrap = world.ecds_bootstrap(&with).edit_document(|document| {
        document["static_resources"]["listeners"].as_array_mut().unwrap().push(other);
    });
    let mut envoy = Envoy::start(bootstrap).await;
    let admin = envoy.admin;
    let without = registry(&json!([{"pem": leaf(&world, 30).certificate_pem, "name": "server", "revoked": true}]));
    for (registry, marker) in [(&with, 1), (&without, 2), (&with, 3)] {
        // A gauge of the registry's own shows when every worker has activated it.
        let mut registry = registry.clone();
        let mark = leaf(&world, 100 + marker);
        registry["clients"][0]["credentials"]
            .as_array_mut()
            .unwrap()
            .push(json!({"pem": mark.certificate_pem, "name": format!("mark-{marker}")}));
        assert_eq!(envoy.push(&registry).await, Outcome::Live);
        let earlier = (1..marker).map(|marker| (format!("partner-a mark-{marker}"), 0));
        let mut expected: BTreeMap<_, _> = earlier.collect();
        expected.insert(format!("partner-a mark-{marker}"), end(&mark));
        expected.insert("partner-a laptop".to_owned(), end(&client));
        until(&format!("{expected:?}"), async || (gauges(admin).await == expected).then_some(())).await;
        let series = admin.prometheus().await;
        let next_update = series.iter().find(|series| series.name == "certgate_crl_next_update_timestamp_seconds");
        assert!(next_update.is_some_and(|series| series.value > 0.0), "{next_update:?}");
    }
}

#[tokio::test]
async fn what_one_certificate_has_shown_is_not_said_of_the_next_one_of_its_name() {
    let world = World::new();
    let [old, new] = [1, 30].map(|days| leaf(&world, days));
    let named = |identity: &Identity| registry(&json!([{"sha256": identity.fingerprint(), "name": "laptop"}]));
    let mut envoy = Envoy::start(world.ecds_bootstrap(&named(&old))).await;
    let admin = envoy.admin;
    assert_eq!(world.caller(&old).get(envoy.port(), "/").await.status, 200);
    shows(admin, &[("laptop", end(&old))]).await;
    assert_eq!(envoy.push(&named(&new)).await, Outcome::Live);
    shows(admin, &[("laptop", 0)]).await;
    assert_eq!(world.caller(&new).get(envoy.port(), "/").await.status, 200);
    shows(admin, &[("laptop", end(&new))]).await;
}
