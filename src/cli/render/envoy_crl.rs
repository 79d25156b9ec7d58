//! `--envoy-crl`: the registry's revocation lists for Envoy's own validation context. Envoy then checks every certificate
//! of a chain in the handshake, and refuses a client where the list of one of its authorities is missing or overdue. So
//! the lists are handed over only if each authority in `trusted_ca` has a current one.

use certgate_core::calendar::rfc3339;
use certgate_core::certificate::crl::signature::{self, VerifyProblem};
use certgate_core::certificate::distinguished_name::DistinguishedName;
use certgate_core::domain::time::UnixSeconds;
use data_encoding::BASE64_MIME;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use serde_json::Value;
use std::fs;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

/// Of a list that certgate reads, since it asks for less.
const UNREADABLE: &str = "expected a list whose issuer, dates and extensions are in the form of RFC 5280 section 5.1, \
    found one that certgate alone reads: Envoy would not start with it";

/// Lists that Envoy can be given.
pub(super) struct EnvoyCrl {
    /// All lists of the registry, as PEM text.
    pub(super) pem: String,
    /// When the first of them is overdue: from then on Envoy refuses the clients of its authority.
    pub(super) overdue: Option<UnixSeconds>,
}

/// A list of the registry.
struct List<'d> {
    pem: &'d str,
    this_update: UnixSeconds,
    next_update: Option<UnixSeconds>,
}

/// The lists in the configuration `document`, if Envoy lets in with them whom it lets in without them, revoked
/// certificates aside: each authority in the file `trusted_ca` has a list that it has signed and that counts at `now`.
///
/// # Errors
///
/// A sentence for each authority without such a list, or for a file or list that cannot be read.
pub(super) fn envoy_crl(document: &Value, trusted_ca: &str, now: UnixSeconds) -> Result<EnvoyCrl, Vec<String>> {
    let text = fs::read(trusted_ca).map_err(|error| vec![format!("--trusted-ca: {trusted_ca}: {error}")])?;
    let authorities: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let authorities = authorities.map_err(|_| vec![format!("--trusted-ca: {trusted_ca}: broken PEM")])?;
    if authorities.is_empty() {
        return Err(vec![format!("--trusted-ca: {trusted_ca}: no PEM block CERTIFICATE")]);
    }
    let lists = document.get("crls").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let read = lists.iter().enumerate().map(|(place, list)| {
        let pem = list.get("pem").and_then(Value::as_str).unwrap_or_default();
        read(pem).ok_or_else(|| format!("--envoy-crl: crls[{place}].pem: {UNREADABLE}"))
    });
    let (lists, unreadable): (Vec<_>, Vec<_>) = read.partition(Result::is_ok);
    if !unreadable.is_empty() {
        return Err(unreadable.into_iter().filter_map(Result::err).collect());
    }
    let lists: Vec<_> = lists.into_iter().flatten().collect();
    let problems: Vec<_> = authorities.iter().filter_map(|authority| problem(authority, &lists, now)).collect();
    if !problems.is_empty() {
        return Err(problems.iter().map(|problem| format!("--envoy-crl: {trusted_ca}: {problem}")).collect());
    }
    let pem = lists.iter().map(|list| list.pem.trim()).collect::<Vec<_>>().join("\n");
    Ok(EnvoyCrl { pem, overdue: lists.iter().filter_map(|list| list.next_update).min() })
}

/// A list that `check` has found right; `None` if it is not in the form that Envoy expects.
fn read(pem: &str) -> Option<List<'_>> {
    let der = CertificateRevocationListDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (_, list) = CertificateRevocationList::from_der(&der).ok()?;
    if !DistinguishedName::from_der(list.issuer().as_raw()).has_canonical_form() {
        return None;
    }
    let next_update = list.next_update().map(|time| UnixSeconds(time.timestamp()));
    Some(List { pem, this_update: UnixSeconds(list.last_update().timestamp()), next_update })
}

/// What keeps Envoy from using the lists for this authority.
fn problem(authority: &CertificateDer<'_>, lists: &[List<'_>], now: UnixSeconds) -> Option<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(authority) else {
        return Some("an authority's certificate cannot be read".to_owned());
    };
    let name = certificate.subject().to_string();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n", BASE64_MIME.encode(authority));
    let named = lists.iter().map(|list| (list, signature::verify(list.pem, &pem)));
    let (own, others): (Vec<_>, Vec<_>) = named
        .filter(|(_, verdict)| *verdict != Err(VerifyProblem::OtherIssuer))
        .partition(|(_, verdict)| verdict.is_ok());
    let fault = match own.iter().find_map(|(list, _)| list.fault(now)) {
        Some(fault) => format!("the list of {name} is {fault}"),
        None if !own.is_empty() => return None,
        None => match others.into_iter().find_map(|(_, verdict)| verdict.err()) {
            Some(problem) => format!("{name} has no list in `crls` that it has surely signed ({problem})"),
            None => format!("{name} has no list in `crls`"),
        },
    };
    Some(format!("{fault}: Envoy would refuse all of its clients"))
}

impl List<'_> {
    /// Why the list does not count at this moment.
    fn fault(&self, now: UnixSeconds) -> Option<String> {
        if self.this_update > now {
            return Some(format!("valid from {} on", rfc3339(self.this_update)));
        }
        let next = self.next_update.filter(|next| now > *next)?;
        Some(format!("overdue since {}", rfc3339(next)))
    }
}
