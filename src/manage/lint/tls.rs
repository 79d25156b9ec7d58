//! The TLS of a filter chain: whether clients are asked for certificates, and whether these are verified.

use super::files::{Files, Located};
use super::filter::check_watch;
use super::finding::Report;
use super::subject::Around;
use super::value::is_true;
use crate::diagnostic::code::Code;
use crate::envoy_file::Place;
use certgate_core::domain::identity::{Chain, Source};
use certgate_core::domain::policy::Policy;

/// Fields of a validation context for which Envoy asks clients for certificates.
const ASKING: [&str; 6] = [
    "trusted_ca",
    "verify_certificate_hash",
    "verify_certificate_spki",
    "custom_validator_config",
    "ca_certificate_provider_instance",
    "system_root_certs",
];

/// The findings about the transport socket.
pub(super) fn check<'f>(around: &Around<'f>, policy: Option<&Policy>, files: Files<'f>, report: &mut Report<'_, 'f>) {
    let Some(tls) = context(around, report) else { return };
    let validations = validations(&tls, files);
    if !validations.iter().any(|validation| asks(validation.as_ref())) {
        let message = match is_true(&tls, "require_client_certificate") {
            true => {
                "`require_client_certificate` does nothing without `trusted_ca`: Envoy asks no client for a certificate"
            }
            false => {
                "Envoy asks no client for a certificate without `trusted_ca`: every caller is without one for certgate"
            }
        };
        let help = "set `common_tls_context.validation_context.trusted_ca` to the authorities of the clients";
        report.error(Code::NoClientCertificates, &tls, message, help);
    }
    for Located { source, place } in validations.iter().flatten() {
        check_chain(place, policy, &mut report.about(*source));
    }
    check_resumption(&tls, policy, report);
    check_secrets(&tls, files, report);
}

/// The `DownstreamTlsContext` of a filter chain.
fn context<'f>(around: &Around<'f>, report: &mut Report<'_, 'f>) -> Option<Place<'f>> {
    let mut transport = around.chain.transport();
    // Some transport sockets are put around others.
    while let Some(inner) = transport.as_ref().and_then(|outer| outer.at(&["transport_socket", "typed_config"])) {
        transport = Some(inner);
    }
    let transport = transport.filter(|transport| transport.message() != Some("RawBuffer"));
    let Some(transport) = transport else {
        let message = "this filter chain has no TLS, so no caller has a certificate";
        let help = "give the chain a `transport_socket` with a DownstreamTlsContext";
        report.error(Code::NoTls, &around.chain.place, message, help);
        return None;
    };
    match transport.message()? {
        "DownstreamTlsContext" => Some(transport),
        "QuicDownstreamTransport" => {
            let message = "over HTTP/3, Envoys before 1.40 ask no client for a certificate, and certgate is not tested";
            report.warning(Code::Quic, &transport, message, "serve clients with certificates over HTTP/2");
            transport.get("downstream_tls_context")
        }
        _ => None,
    }
}

/// The validation contexts, those in secrets too; `None` is a secret that was not read.
fn validations<'f>(tls: &Place<'f>, files: Files<'f>) -> Vec<Option<Located<'f>>> {
    let Some(common) = tls.get("common_tls_context") else { return Vec::new() };
    let own =
        [common.get("validation_context"), common.at(&["combined_validation_context", "default_validation_context"])];
    let here = files.here;
    let own = own.into_iter().flatten().map(|place| Some(Located { source: here, place }));
    let secrets = validation_secrets(&common).into_iter().map(|config| {
        let Located { source, place } = files.secret(&config)?;
        Some(Located { source, place: place.get("validation_context")? })
    });
    own.chain(secrets).collect()
}

fn validation_secrets<'f>(common: &Place<'f>) -> Vec<Place<'f>> {
    let name = "validation_context_sds_secret_config";
    [common.get(name), common.at(&["combined_validation_context", name])].into_iter().flatten().collect()
}

/// Whether Envoy asks for certificates because of this validation context. A secret that was not read has authorities.
fn asks(validation: Option<&Located<'_>>) -> bool {
    let Some(Located { place, .. }) = validation else { return true };
    ASKING.iter().any(|field| place.get(field).is_some()) || accepts_untrusted(place)
}

fn accepts_untrusted(validation: &Place<'_>) -> bool {
    let names = ["VERIFY_TRUST_CHAIN", "ACCEPT_UNTRUSTED"];
    validation.choice("trust_chain_verification", &names) == Some("ACCEPT_UNTRUSTED")
}

/// An error if certificates are accepted unverified and the registry says that they are verified.
fn check_chain<'f>(validation: &Place<'f>, policy: Option<&Policy>, report: &mut Report<'_, 'f>) {
    if accepts_untrusted(validation) && policy.is_some_and(|policy| policy.identity.chain == Chain::Listener) {
        let message = "Envoy accepts certificates that nobody has signed, and with `chain: listener` in the registry \
                       certgate believes the names in them";
        let help =
            "remove `trust_chain_verification: ACCEPT_UNTRUSTED`, or set `identity: {chain: verified}` in the registry";
        report.error(Code::UnverifiedChain, validation, message, help);
    }
}

fn check_resumption<'f>(tls: &Place<'f>, policy: Option<&Policy>, report: &mut Report<'_, 'f>) {
    let is_affected = policy.is_some_and(|policy| policy.identity.chain == Chain::Verified && has_names(policy));
    let disabled = ["disable_stateless_session_resumption", "disable_stateful_session_resumption"];
    if is_affected && !disabled.iter().all(|field| is_true(tls, field)) {
        let message = "names in certificates do not count on resumed sessions, of which Envoy does not say that it has \
                       verified the chain: certgate refuses some requests of good clients";
        let help = "set `disable_stateless_session_resumption` and `disable_stateful_session_resumption` to true, or \
                    `identity: {chain: listener}` in the registry";
        report.warning(Code::SessionResumption, tls, message, help);
    }
}

/// Whether the policy knows a client or a relay by a name in its certificate.
fn has_names(policy: &Policy) -> bool {
    let of_relays = match &policy.identity.source {
        Source::Connection => &[],
        Source::Xfcc(relays) => &relays.shapes[..],
    };
    !policy.registry.shapes().is_empty() || !policy.rules.shapes().is_empty() || !of_relays.is_empty()
}

/// Warnings about secrets whose files Envoy does not watch.
fn check_secrets<'f>(tls: &Place<'f>, files: Files<'f>, report: &mut Report<'_, 'f>) {
    let Some(common) = tls.get("common_tls_context") else { return };
    let certificates = common.list("tls_certificate_sds_secret_configs");
    for config in certificates.into_iter().chain(validation_secrets(&common)) {
        if let Some(source) = config.get("sds_config") {
            check_watch(&source, "the secret", report);
        }
        let Some(Located { source, place }) = files.secret(&config) else { continue };
        for value in [place.get("tls_certificate"), place.get("validation_context")].into_iter().flatten() {
            let of_file = |field| value.at(&[field, "filename"]).is_some();
            if ["certificate_chain", "trusted_ca"].into_iter().any(of_file) && value.get("watched_directory").is_none()
            {
                let message = "Envoy reads this file once: it does not notice new certificates in it";
                let help = "add `watched_directory: {path: FOLDER}`, the folder of the file";
                report.about(source).warning(Code::NotWatched, &value, message, help);
            }
        }
    }
}
