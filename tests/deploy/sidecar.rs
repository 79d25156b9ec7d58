//! The shipped sidecar for real: workloads on hosts of their own (network namespaces), each behind its Envoy, with
//! mutual TLS between them and certificates that rotate.

mod credentials;
mod mesh;
mod network;
mod shipped;
mod traffic;
mod workload;

use crate::support::bootstrap::WITHOUT_CERTIFICATE;
use crate::support::fields::Fields;
use crate::support::parts::Part;
use crate::support::pki::{Authority, Leaf};
use crate::support::request::{Request, Response};
use mesh::{Mesh, of};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Instant;
use traffic::{Call, Traffic};
use workload::{SERVICE, connections_last, registry};

/// Requests in a bucket that gets nothing back while a test runs.
const BUCKET: usize = 100_000;

#[test]
fn workloads_are_known_by_their_spiffe_ids() {
    if !Part::Netns.runs() {
        return;
    }
    // The one that decides is an old Envoy, which does not show certificates by itself.
    let mut mesh = Mesh::with_cart_behind(WITHOUT_CERTIFICATE[0], |document| connections_last(document, "0.3s"));
    let forged = Request::get("/hello")
        .header("x-client-alias", "forged")
        .header("X-Client-Tier", "forged")
        .header("x.client.spiffe.id", "forged")
        .header("x-client-groups", "forged")
        .header("x-forwarded-client-cert", "forged");
    let echo = mesh.web.call(forged).echo();
    assert_eq!(echo.upstream, "cart");
    assert_client(&echo.headers, "web", "gold", "shop/sa/web");
    assert!(!echo.to_json().to_string().contains("forged"), "{echo:?}");
    assert_eq!(mesh.web.call(Request::post("/checkout/1", "")).status, 200, "the rule for it names web");

    // A certificate that is as good, of a workload that nobody has registered.
    let unknown = mesh.stranger.call(Request::get("/hello"));
    assert_eq!(unknown.status, 403);

    // A pattern.
    let jobs = mesh.authority.issue(&of("shop/sa/jobs"));
    mesh.stranger.rotate(&jobs, &[&mesh.authority]);
    mesh.stranger.wait_for_connections_to_end();
    assert_client(&mesh.stranger.call(Request::get("/hello")).echo().headers, "shop", "bronze", "shop/sa/jobs");
    let denied = mesh.stranger.call(Request::post("/checkout/1", ""));
    assert_eq!(comparable(&denied), comparable(&unknown), "nobody learns which");

    // Neither gets past the handshake: another authority's certificate, and another trust domain's.
    for (identity, statistic) in [
        (Authority::new("another authority").issue(&of("shop/sa/web")), "fail_verify_error"),
        (mesh.authority.issue(&Leaf::workload("spiffe://example.com/ns/shop/sa/web")), "fail_verify_san"),
    ] {
        mesh.stranger.rotate(&identity, &[&mesh.authority]);
        mesh.stranger.wait_for_connections_to_end();
        let name = format!("listener.0.0.0.0_8443.ssl.{statistic}");
        assert_eq!(mesh.cart.stat(&name), 0);
        assert_eq!(mesh.stranger.call(Request::get("/hello")).status, 503);
        assert!(mesh.cart.stat(&name) > 0, "{name}");
    }

    let counted = |decision, reason| mesh.cart.decided(&[("decision", decision), ("reason", reason)]);
    assert_eq!(counted("allowed", "none"), 3);
    assert_eq!(mesh.cart.application.count(), 3);
    assert_eq!(counted("refused", "unknown_certificate"), 1);
    assert_eq!(counted("refused", "rule_denied"), 1);
    assert_eq!(mesh.cart.decided(&[]), 5, "and nothing else");
}

/// The authority too: first everybody trusts both, then the new one signs, then nobody trusts the old one.
#[test]
fn certificates_rotate_under_traffic() {
    if !Part::Netns.runs() {
        return;
    }
    let mut mesh = Mesh::start(|document| {
        connections_last(document, "0.3s");
        without_refill(document);
    });
    let next = Authority::new("the next authority");
    let traffic = Traffic::start(&mesh.web, 4);
    traffic.wait("the first certificate in use", 10, |_| true);
    let mut fingerprints = HashSet::new();
    for (signer, trusted) in
        [(&mesh.authority, vec![&mesh.authority, &next]), (&next, vec![&mesh.authority, &next]), (&next, vec![&next])]
    {
        mesh.cart.rotate(&signer.issue(&of("shop/sa/cart")), &trusted);
        let web = signer.issue(&of("shop/sa/web"));
        mesh.web.rotate(&web, &trusted);
        let fingerprint = web.fingerprint();
        traffic.wait("the next certificate in use", 10, |call| fingerprint_in(call) == Some(fingerprint.clone()));
        fingerprints.insert(fingerprint);
    }
    let calls = traffic.stop();
    for call in &calls {
        assert_client(&call.response.echo().headers, "web", "gold", "shop/sa/web");
    }
    let seen: HashSet<_> = calls.iter().filter_map(fingerprint_in).collect();
    assert!(seen.is_superset(&fingerprints) && seen.len() == 4, "the first and three more: {seen:?}");
    assert_eq!(mesh.cart.decided(&[]), calls.len());
    assert_eq!(mesh.cart.delivered(), calls.len());
    assert_eq!(mesh.cart.application.count(), calls.len());
    assert_spent(&mesh, calls.len());
}

/// Why the shipped file bounds how long a connection lasts: an open one keeps the certificate that it was made with.
#[test]
fn an_expired_certificate_is_refused_on_an_open_connection() {
    if !Part::Netns.runs() {
        return;
    }
    let mut mesh = Mesh::start(|document| connections_last(document, "10s"));
    let unknown = mesh.stranger.call(Request::get("/"));
    mesh.web.rotate(&mesh.authority.issue(&of("shop/sa/web").valid(-60..=6)), &[&mesh.authority]);
    let request = Request::get("/").authority(SERVICE);
    let refused = mesh.web.call_until("the certificate expires", &request, |response| response.status != 200);
    assert_eq!(comparable(&refused), comparable(&unknown), "nobody learns which");
    assert!(mesh.cart.decided(&[("decision", "allowed")]) > 0, "it was good before");
    assert_eq!(mesh.cart.decided(&[("reason", "certificate_expired")]), 1);

    mesh.web.rotate(&mesh.authority.issue(&of("shop/sa/web")), &[&mesh.authority]);
    let served = mesh.web.call_until("the connection ends", &request, |response| response.status != 403);
    assert_client(&served.echo().headers, "web", "gold", "shop/sa/web");
}

#[test]
fn a_cut_network_costs_only_the_requests_in_between() {
    if !Part::Netns.runs() {
        return;
    }
    let mesh = Mesh::start(without_refill);
    let (web, stranger) = (Traffic::start(&mesh.web, 4), Traffic::start(&mesh.stranger, 1));
    web.wait("traffic before the cut", 10, |_| true);
    let cut = Instant::now();
    mesh.network.cut("web");
    // Twice, since the first may have been on a connection from before.
    web.wait("requests that are lost", 2, |call| call.response.status != 200);
    mesh.network.mend("web");
    let mended = Instant::now();
    web.wait("traffic after the cut", 10, |call| call.began > mended);
    let (calls, refused) = (web.stop(), stranger.stop());

    let lost: Vec<_> = calls.iter().filter(|call| call.response.status != 200).collect();
    for call in &lost {
        assert_eq!(call.response.status, 503, "{call:?}");
        assert!(call.began < mended && call.ended > cut, "this is not in between: {call:?}");
    }
    for call in calls.iter().filter(|call| call.response.status == 200) {
        assert_client(&call.response.echo().headers, "web", "gold", "shop/sa/web");
    }
    assert!(refused.iter().all(|call| call.response.status == 403), "a wrong decision");
    assert!(refused.iter().any(|call| call.began > cut && call.ended < mended), "the others' network is not cut");

    // What was lost may have got there, but nothing did twice.
    let received = mesh.cart.application.received();
    let paths: HashSet<_> = received.iter().map(|echo| &echo.path).collect();
    assert_eq!(paths.len(), received.len(), "sent again although it had arrived");
    let answered: Vec<_> = calls.iter().filter(|call| call.response.status == 200).map(|call| &call.path).collect();
    assert!(answered.iter().all(|path| paths.contains(path)));

    let allowed = mesh.cart.decided(&[("decision", "allowed")]);
    assert!((answered.len()..=calls.len()).contains(&allowed), "{allowed} of {} and {}", answered.len(), lost.len());
    assert_eq!(mesh.cart.decided(&[("reason", "unknown_certificate")]), refused.len());
    assert_eq!(mesh.cart.decided(&[]), mesh.cart.delivered());
    assert_spent(&mesh, allowed);
}

/// The registry as shipped, but for a gold tier whose bucket gets nothing back while a test runs.
fn without_refill(document: &mut Value) {
    let limits = &mut registry(document)["tiers"]["gold"]["limits"];
    *limits = json!([{"name": "burst", "requests": BUCKET, "per": "366d"}]);
}

/// Makes one more call, and sees what is left.
fn assert_spent(mesh: &Mesh, requests: usize) {
    let response = mesh.web.call(Request::get("/last"));
    let left = response.header("ratelimit").and_then(|field| field.split("r=").nth(1)?.split(';').next()?.parse().ok());
    assert_eq!(left, Some(BUCKET - requests - 1), "{response:?}");
}

fn assert_client(headers: &Fields, alias: &str, tier: &str, path: &str) {
    let spiffe_id = format!("spiffe://example.org/ns/{path}");
    assert_eq!(headers.get("x-client-alias"), Some(alias));
    assert_eq!(headers.get("x-client-tier"), Some(tier));
    assert_eq!(headers.get("x-client-spiffe-id"), Some(spiffe_id.as_str()));
}

fn fingerprint_in(call: &Call) -> Option<String> {
    call.echo()?.headers.get("x-client-fingerprint").map(str::to_owned)
}

/// A response without what tells the time.
fn comparable(response: &Response) -> Response {
    let mut response = response.clone();
    response.headers.0.retain(|(name, _)| name != "date" && name != "x-envoy-upstream-service-time");
    response
}
