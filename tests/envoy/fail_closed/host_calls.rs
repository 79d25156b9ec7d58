//! Host calls that fail, and memory that is not there.

use super::{Cast, DIGEST, forged, honest};
use crate::support::envoy::Envoy;
use crate::support::envoys::VERSIONS;
use crate::support::mutant::{Mutant, Status};
use crate::support::registry;
use crate::support::request::Request;
use serde_json::{Value, json};

/// Starts an Envoy on each of these mutants and shows that nobody gets past it with such requests, and why.
async fn nothing_passes(
    request: fn(&str, &str) -> Request,
    table: impl IntoIterator<Item = (&'static str, Mutant, &'static str)>,
) {
    for (fault, mutant, reason) in table {
        let cast = Cast::new();
        let registry = registry::of(&[("partner-a", "gold", &cast.client)]);
        // Without the guard: it is certgate that refuses.
        let bootstrap = cast.world.bootstrap(&registry).without_guard();
        let envoy = Envoy::start(bootstrap.module(&mutant.write())).await;
        let mut connection = cast.world.caller(&cast.client).connect(envoy.port()).await;
        for _ in 0..3 {
            assert_eq!(connection.send(&request("client", "fault")).await.status, 503, "{fault}");
        }
        let labels = [("decision", "error"), ("reason", reason)];
        assert_eq!(envoy.admin.metric("certgate_requests_total", &labels).await, 3.0, "{fault}");
        for line in envoy.access_log(3).await {
            assert_eq!(line["certgate.reason"], reason, "{fault}");
        }
        for (who, caller) in cast.callers() {
            let status = caller.send(envoy.port(), &request(who, "fault")).await.status;
            assert!([403, 503].contains(&status), "{fault}, {who}: {status}");
        }
        assert_eq!(cast.world.forwarded(), 0, "{fault}");
    }
}

#[tokio::test]
async fn a_host_call_that_fails_under_a_request_refuses_it() {
    use Status::{CasMismatch, InternalFailure};
    let property = |path| Mutant::new().property_ends_with(path, InternalFailure);
    let clock = |name| Mutant::new().call_under_requests_ends_with(name, InternalFailure);
    let table = [
        ("others are always quicker", Mutant::new().buckets_store_ends_with(CasMismatch), "store_unavailable"),
        ("buckets cannot be stored", Mutant::new().buckets_store_ends_with(InternalFailure), "store_unavailable"),
        ("buckets cannot be read", Mutant::new().buckets_read_ends_with(InternalFailure), "store_unavailable"),
        ("the digest cannot be read", property(DIGEST), "internal"),
        ("the certificate cannot be read", property("connection\0peer_certificate"), "internal"),
        ("the monotonic clock cannot be read", clock("clock_time_get"), "internal"),
        ("the calendar cannot be read", clock("proxy_get_current_time_nanoseconds"), "internal"),
        ("no header can be set", fails("proxy_replace_header_map_value"), "internal"),
        ("no header can be removed", fails("proxy_remove_header_map_value"), "internal"),
    ];
    nothing_passes(forged, table).await;
    // Where nothing was claimed, nothing has to be replaced.
    let added = ("no header can be added", fails("proxy_add_header_map_value"), "internal");
    nothing_passes(honest, [added]).await;
}

#[tokio::test]
async fn a_host_call_that_fails_under_a_configuration_refuses_every_request() {
    let table = [
        ("the configuration cannot be read", "proxy_get_buffer_bytes"),
        ("nothing can be read from shared data", "proxy_get_shared_data"),
        ("nothing can be stored in shared data", "proxy_set_shared_data"),
        ("headers cannot be read", "proxy_get_header_map_pairs"),
        ("the calendar cannot be read", "proxy_get_current_time_nanoseconds"),
    ];
    nothing_passes(forged, table.map(|(fault, call)| (fault, fails(call), "internal"))).await;
}

/// What a failed allocation would do in `on_configure` on a worker is let everything through.
#[tokio::test]
async fn a_configuration_that_does_not_fit_into_memory_refuses_every_request() {
    let cast = Cast::new();
    let mut registry = cast.registry();
    registry["clients"][0]["description"] = json!("-".repeat(8 << 20));
    // Half of what it takes.
    let module = Mutant::new().memory_for(64).write();
    let envoy = Envoy::start(cast.world.bootstrap(&registry).without_guard().module(&module)).await;
    for (who, caller) in cast.callers() {
        assert_eq!(caller.send(envoy.port(), &forged(who, "memory")).await.status, 503, "{who}");
    }
    assert_eq!(cast.world.forwarded(), 0);
    assert!(envoy.log().contains("there is no memory for the configuration"));
}

fn fails(call: &str) -> Mutant {
    Mutant::new().call_ends_with(call, Status::InternalFailure)
}

/// Where Envoy does not show the certificate's digest, the certificate itself says who it is; where it shows neither, the
/// caller has none.
#[tokio::test]
async fn without_the_digest_the_certificate_is_the_evidence() {
    let mutant = Mutant::new().property_ends_with(DIGEST, Status::NotFound).write();
    for version in VERSIONS {
        let cast = Cast::new();
        let bootstrap = || cast.world.bootstrap(&cast.registry()).version(version).module(&mutant);
        let shows_certificates = !["1.36.4", "1.37.0"].contains(&version);
        let envoy = Envoy::start(bootstrap()).await;
        let client = cast.world.caller(&cast.client);
        if shows_certificates {
            let echo = client.get(envoy.port(), "/").await.echo();
            assert_eq!(echo.headers.get("x-client-fingerprint"), Some(cast.client.fingerprint().as_str()), "{version}");
        } else {
            assert_eq!(client.get(envoy.port(), "/").await.status, 403, "{version}");
            assert_eq!(envoy.access_log(1).await[0]["certgate.reason"], "no_certificate", "{version}");
            let envoy = Envoy::start(bootstrap().certificate_in_filter_state()).await;
            let echo = client.get(envoy.port(), "/").await.echo();
            assert_eq!(echo.headers.get("x-client-fingerprint"), Some(cast.client.fingerprint().as_str()), "{version}");
        }
        let before = cast.world.forwarded();
        for caller in [cast.world.caller(&cast.stranger), cast.world.anonymous()] {
            assert_eq!(caller.get(envoy.port(), "/").await.status, 403, "{version}");
        }
        assert_eq!(cast.world.forwarded(), before, "{version}");
    }
}

/// Whoever is refused goes nowhere, even if not even the refusal can be sent: Envoy's own timeout answers then.
#[tokio::test]
async fn a_refusal_that_cannot_be_sent_is_still_one() {
    let cast = Cast::new();
    let mutant = fails("proxy_send_local_response").write();
    let impatient = |manager: &mut Value| manager["request_timeout"] = json!("0.3s");
    let envoy = Envoy::start(cast.world.bootstrap(&cast.registry()).module(&mutant).edit(impatient)).await;
    for ((who, caller), status) in cast.callers().into_iter().zip([200, 504, 504]) {
        assert_eq!(caller.send(envoy.port(), &forged(who, "fault")).await.status, status, "{who}");
    }
    assert_eq!(cast.arrived(), ["/client/fault".to_owned()].into());
}
