//! TLS in front of certgate: client certificates are asked for, and their chains are verified.

use super::plan::{Plan, Spot};
use super::{PatchOptions, TrustedCa};
use crate::diagnostic::code::Code;
use crate::edit::Edit;
use crate::envoy_file::{FilterChain, Listener, Place};
use crate::path::Path;

/// The fields of a `CommonTlsContext` that can stand in place of `validation_context`.
const ELSEWHERE: [&str; 2] = ["validation_context_sds_secret_config", "combined_validation_context"];

/// The fields of a `CertificateValidationContext` by which Envoy verifies who a peer is.
const VERIFIERS: [&str; 4] =
    ["trusted_ca", "custom_validator_config", "verify_certificate_hash", "verify_certificate_spki"];

/// The fields of a `DownstreamTlsContext` that exclude `disable_stateless_session_resumption`.
const TICKETS: [&str; 2] = ["session_ticket_keys", "session_ticket_keys_sds_secret_config"];

/// The listener filter that finds the server name of a connection, if the registry compares it.
pub(super) fn inspector(plan: &mut Plan<'_>, listener: &Path) {
    if !plan.model.policy.refuses_misdirected {
        return;
    }
    let Some(model) = plan.model.listener() else { return };
    if !plan.ensure(listener, &model, "listener_filters") {
        return;
    }
    let Some(place) = plan.at(listener) else { return };
    if (Listener { place: place.clone() }).has_listener_filter("TlsInspector") {
        return;
    }
    let Some(list) = place.get("listener_filters").map(|list| (list.path.clone(), list.node.items().len())) else {
        return;
    };
    let (list, index) = list;
    for filter in model.list("listener_filters") {
        plan.make(Edit::Item { list: list.clone(), index, value: plan.model.of_item(filter.node) });
    }
}

/// The transport socket of a filter chain.
pub(super) fn chain(plan: &mut Plan<'_>, chain: &FilterChain<'_>, options: &PatchOptions<'_>) {
    let Some(tls) = chain.tls() else {
        return without_tls(plan, chain);
    };
    let Some(model) = plan.model.tls() else { return };
    let Some(common) = tls.get("common_tls_context") else {
        let message = "this TLS context has no `common_tls_context`, and so no certificate of the server";
        return plan.error(Code::NeedsTls, &Spot::of(&tls), message, "add one with `tls_certificates`");
    };
    // Without this field, Envoy warns that its default will be to require a certificate.
    plan.ensure(&tls.path, &model, "require_client_certificate");
    verification(plan, &common, &model, options);
    if plan.model.needs_verified {
        handshakes(plan, &tls, &model);
    }
}

fn without_tls(plan: &mut Plan<'_>, chain: &FilterChain<'_>) {
    let (place, message, mend) = match chain.transport() {
        None => (
            chain.place.clone(),
            "this filter chain has no TLS, in which alone a client can present a certificate",
            "add a `transport_socket` with the server's certificate",
        ),
        Some(quic) if quic.message() == Some("QuicDownstreamTransport") => (
            quic,
            "this filter chain speaks HTTP/3, and Envoy asks for no client certificate there",
            "name a listener for TCP, and give HTTP/3 no way to the same upstreams",
        ),
        Some(other) => (
            other,
            "expected a `DownstreamTlsContext`, in which a client can present a certificate",
            "use TLS for this filter chain",
        ),
    };
    plan.error(Code::NeedsTls, &Spot::of(&place), message, mend);
}

/// The authorities that have to have signed a client's certificate.
fn verification<'s>(plan: &mut Plan<'s>, common: &Place<'_>, model: &Place<'s>, options: &PatchOptions<'_>) {
    const FIELD: &str = "trust_chain_verification";
    let nested = common.at(&["combined_validation_context", "default_validation_context"]);
    for context in common.get("validation_context").into_iter().chain(nested) {
        let verifies = context.choice(FIELD, &["VERIFY_TRUST_CHAIN", "ACCEPT_UNTRUSTED"]);
        if let Some(place) = context.get(FIELD).filter(|_| verifies == Some("ACCEPT_UNTRUSTED")) {
            let message = "clients whose certificates no authority has signed are accepted, and would have any name";
            plan.error(Code::Unverified, &Spot::of(&place), message, "remove this field");
        }
    }
    if ELSEWHERE.iter().any(|field| common.get(field).is_some()) {
        return;
    }
    let Some(model) = model.get("common_tls_context") else { return };
    let Some(context) = common.get("validation_context") else {
        let field = match options.trusted_ca {
            TrustedCa::Pem { .. } => "validation_context",
            TrustedCa::Watched { .. } => "validation_context_sds_secret_config",
        };
        plan.uses_trusted_ca = true;
        plan.ensure(&common.path, &model, field);
        return;
    };
    if VERIFIERS.iter().any(|field| context.get(field).is_some()) {
        return;
    }
    match model.get("validation_context") {
        Some(model) => {
            plan.uses_trusted_ca = true;
            plan.ensure(&context.path, &model, "trusted_ca");
        }
        None => {
            let message = "this validation context has no `trusted_ca`, so Envoy verifies no chain of certificates";
            let mend = "name the file of the authorities with --trusted-ca, or remove the validation context";
            plan.error(Code::Unverified, &Spot::of(&context), message, mend);
        }
    }
}

/// A handshake for each connection: of a resumed session Envoy does not say that it has verified the chain.
fn handshakes<'s>(plan: &mut Plan<'s>, tls: &Place<'_>, model: &Place<'s>) {
    let tickets = TICKETS.iter().find_map(|field| tls.get(field));
    if let Some(tickets) = tickets {
        let message =
            "sessions are resumed with these keys, and names do not count in a resumed session (`chain: verified`)";
        let mend = "remove the keys, or write `identity: {chain: listener}` into the registry";
        return plan.error(Code::SessionTickets, &Spot::of(&tickets), message, mend);
    }
    let reason = "names do not count in a resumed session (`chain: verified`)";
    for field in ["disable_stateless_session_resumption", "disable_stateful_session_resumption"] {
        plan.set(&tls.path, model, field, &[], reason);
    }
}
