//! The listener's own access log: why a handshake failed, and no word of one that succeeded.

use crate::support::client::Caller;
use crate::support::envoy::Envoy;
use crate::support::envoys::VERSIONS;
use crate::support::pki::{Authority, Leaf};
use crate::support::registry;
use crate::support::request::Request;
use crate::support::world::World;
use serde_json::{Value, json};

#[tokio::test]
async fn a_failed_handshake_has_a_line_that_says_why() {
    let world = World::new();
    let known = world.authority.client("known");
    let untrusted = Authority::new("another authority").client("untrusted");
    let expired = world.authority.issue(&Leaf::client("expired").valid(-7200..=-3600));
    let registry = registry::of(&[("known", "unlimited", &known)]);
    for version in VERSIONS {
        let bootstrap = world.bootstrap(&registry).version(version).edit_document(|document| {
            let chain = &mut document["static_resources"]["listeners"][0]["filter_chains"][0];
            let context = &mut chain["transport_socket"]["typed_config"]["common_tls_context"];
            context["tls_params"]["tls_minimum_protocol_version"] = json!("TLSv1_3");
        });
        // One worker, so that lines come in the order of connections.
        let envoy = Envoy::start(bootstrap.concurrency(1)).await;
        let refused = async |caller: Caller| {
            assert!(caller.try_send(envoy.port(), &Request::get("/")).await.is_err(), "{version}");
        };
        // Envoy 1.36.4 names no reason of the verification.
        let named = |reason| if version == "1.36.4" { "CERTIFICATE_VERIFY_FAILED" } else { reason };
        let cases = [
            (world.caller(&untrusted), Some(&untrusted), named("unable_to_get_local_issuer_certificate")),
            (world.caller(&expired), Some(&expired), named("certificate_has_expired")),
            (world.caller(&known).tls12(), None, "UNSUPPORTED_PROTOCOL"),
            (Caller::plain(), None, "HTTP_REQUEST"),
        ];
        for (place, (caller, identity, reason)) in cases.into_iter().enumerate() {
            assert_eq!(world.caller(&known).get(envoy.port(), "/").await.status, 200, "{version}");
            assert_eq!(world.anonymous().get(envoy.port(), "/").await.status, 403, "{version}");
            refused(caller).await;
            let lines = envoy.connection_log(place + 1).await;
            assert_eq!(lines.len(), place + 1, "{version}: {lines:?}");
            let line = &lines[place];
            assert!(line["failure"].as_str().unwrap().contains(reason), "{version}: {line}");
            assert_eq!(line["client.address"], "127.0.0.1", "{version}");
            assert!(line["time"].is_string() && line["client.port"].is_number(), "{version}: {line}");
            let name = identity
                .map(|identity| if identity.fingerprint() == expired.fingerprint() { "expired" } else { "untrusted" });
            assert_eq!(line["tls.client.hash.sha256"], identity.map_or(Value::Null, |it| json!(it.fingerprint())));
            assert_eq!(line["tls.client.subject"], name.map_or(Value::Null, |name| json!(format!("CN={name}"))));
            if identity.is_some() {
                assert_eq!(line["tls.version"], "TLSv1.3", "{version}");
                assert_eq!(line["tls.client.server_name"], "localhost", "{version}");
                assert!(line["tls.client.issuer"].is_string(), "{version}: {line}");
                assert!(line["tls.client.not_after"].is_string(), "{version}: {line}");
            }
        }
    }
}
