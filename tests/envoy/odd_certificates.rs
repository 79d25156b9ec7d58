//! Certificates that certgate and OpenSSL read differently, as clients present them: which of them Envoy's own TLS takes,
//! as the list of the differences says.

use crate::support::bootstrap::Clients;
use crate::support::client::{Caller, Failure};
use crate::support::dice::Dice;
use crate::support::envoy::Envoy;
use crate::support::odd::{DIFFERENCES, Handshake, certificate};
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::world::World;
use rcgen::KeyPair;
use std::collections::BTreeMap;

/// A certificate of each kind in which nothing else is odd, and a plain one.
fn one_of_each(key: &KeyPair) -> BTreeMap<(&'static str, &'static str), Identity> {
    let mut dice = Dice(5);
    let mut found = BTreeMap::new();
    for _ in 0..20_000 {
        let odd = certificate(&mut dice, key);
        if let Some(kind) = odd.only() {
            found.entry(kind).or_insert_with(|| Identity::of(odd.der, key));
        }
    }
    found
}

async fn handshake(caller: Caller, envoy: &Envoy) -> Result<u16, String> {
    match caller.try_send(envoy.port(), &Request::get("/")).await {
        Ok(response) => Ok(response.status),
        Err(Failure(causes)) => Err(causes),
    }
}

#[tokio::test]
async fn envoys_tls_refuses_the_differences_that_are_marked_so_and_no_others() {
    let world = World::new();
    let key = KeyPair::generate().unwrap();
    let each = one_of_each(&key);
    let clients: Vec<_> = each.values().enumerate().map(|(place, identity)| (format!("c{place}"), identity)).collect();
    let clients: Vec<_> = clients.iter().map(|(alias, identity)| (&**alias, "unlimited", *identity)).collect();
    let bootstrap =
        world.bootstrap(&registry::of(&clients)).clients(Clients::AcceptUntrusted).edit_document(|document| {
            let chain = &mut document["static_resources"]["listeners"][0]["filter_chains"][0];
            chain["transport_socket"]["typed_config"]["require_client_certificate"] = true.into();
        });
    let envoy = Envoy::start(bootstrap).await;
    let anonymous = handshake(world.anonymous().tls12(), &envoy).await;
    assert!(anonymous.is_err(), "a certificate is required");
    assert_eq!(handshake(world.caller(&each[&("all", "plain")]), &envoy).await, Ok(200));

    let mut wrong = Vec::new();
    for &(part, odd, mark, _) in DIFFERENCES {
        let part = if part.starts_with("dates") { "dates" } else { part };
        let caller = world.caller(&each[&(part, odd)]);
        for (tls, caller) in [("1.2", caller.clone().tls12()), ("1.3", caller.tls13())] {
            let outcome = handshake(caller, &envoy).await;
            // By its fingerprint a client is known whatever its names are.
            let as_marked = match (mark, &outcome) {
                (Handshake::Passes, Ok(200)) => true,
                (Handshake::Refused, Err(causes)) => tls == "1.3" || causes.contains("fatal alert"),
                _ => false,
            };
            if !as_marked {
                wrong.push((part, odd, tls, mark, outcome));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
