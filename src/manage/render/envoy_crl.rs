//! The registry's revocation lists for Envoy's own validation context. Envoy then checks every certificate of a chain in
//! the handshake, and refuses a client where the list of one of its authorities is missing or overdue. So the lists are
//! handed over only if each authority in `trusted_ca` has a current one.

use super::authorities::{certificates, pem};
use crate::crl_signature::{VerifyProblem, verify};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::code::Code;
use crate::load::document::Document;
use crate::load::tree::Node;
use certgate_core::calendar::rfc3339;
use certgate_core::certificate::distinguished_name::DistinguishedName;
use certgate_core::domain::time::UnixSeconds;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

const UNREADABLE: &str = "expected a list whose issuer, dates and extensions are in the form of RFC 5280 section 5.1, found \
    one that certgate alone reads: Envoy would not start with it";

/// Lists that Envoy can be given.
pub(super) struct EnvoyCrl {
    /// All lists of the registry, as PEM text.
    pub(super) pem: String,
    /// The moment at which the first of them is overdue: from then on Envoy refuses the clients of its authority.
    overdue: Option<UnixSeconds>,
}

/// A list of the registry.
struct List<'d> {
    pem: &'d str,
    this_update: UnixSeconds,
    next_update: Option<UnixSeconds>,
}

/// The lists in `document`, if Envoy accepts the same clients with them as without them, revoked certificates aside: each
/// of the `authorities` in the file `trusted_ca` has a list that it has signed and that is current at `now`.
///
/// # Errors
///
/// A diagnostic for each authority without such a list, or for a file or list that cannot be read.
pub(super) fn envoy_crl(
    document: &Document<'_>,
    trusted_ca: &str,
    authorities: &[u8],
    now: UnixSeconds,
) -> Result<EnvoyCrl, Vec<Diagnostic>> {
    let authorities = certificates(trusted_ca, authorities).map_err(|error| vec![error])?;
    let lists = document.root().list("crls");
    let (mut read, mut unreadable) = (Vec::new(), Vec::new());
    for (index, list) in lists.iter().enumerate() {
        match list.get("pem").and_then(Node::as_str).and_then(List::read) {
            Some(list) => read.push(list),
            None => {
                let error = Diagnostic::error(Code::CrlNotForEnvoy, UNREADABLE);
                unreadable.push(document.placed(error.at(format!("crls[{index}].pem"), None)));
            }
        }
    }
    if !unreadable.is_empty() {
        return Err(unreadable);
    }
    let problems: Vec<_> = authorities.iter().filter_map(|authority| problem(authority, &read, now)).collect();
    if !problems.is_empty() {
        let error = |problem| {
            let message = format!("--trusted-ca {trusted_ca}: {problem}: Envoy would refuse all of its clients");
            Diagnostic::error(Code::NoCrlOfAuthority, message)
        };
        return Err(problems.into_iter().map(error).collect());
    }
    let pem = read.iter().map(|list| list.pem.trim()).collect::<Vec<_>>().join("\n");
    Ok(EnvoyCrl { pem, overdue: read.iter().filter_map(|list| list.next_update).min() })
}

/// The reason why Envoy would refuse all clients of this authority with these lists.
fn problem(authority: &CertificateDer<'_>, lists: &[List<'_>], now: UnixSeconds) -> Option<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(authority) else {
        return Some("an authority's certificate cannot be read".to_owned());
    };
    let name = certificate.subject().to_string();
    let pem = pem(authority);
    let named = lists.iter().map(|list| (list, verify(list.pem, &pem)));
    let (own, others): (Vec<_>, Vec<_>) = named
        .filter(|(_, verdict)| *verdict != Err(VerifyProblem::OtherIssuer))
        .partition(|(_, verdict)| verdict.is_ok());
    match own.iter().find_map(|(list, _)| list.fault(now)) {
        Some(fault) => Some(format!("the list of {name} is {fault}")),
        None if !own.is_empty() => None,
        None => Some(match others.into_iter().find_map(|(_, verdict)| verdict.err()) {
            Some(problem) => format!("{name} has no list in `crls` that it has signed ({problem})"),
            None => format!("{name} has no list in `crls`"),
        }),
    }
}

impl EnvoyCrl {
    /// The warning that Envoy refuses clients when a list is overdue.
    pub(super) fn warning(&self) -> Option<Diagnostic> {
        let message = format!(
            "Envoy refuses clients in the handshake once a list is overdue, first at {}",
            rfc3339(self.overdue?)
        );
        Some(Diagnostic::warning(Code::EnvoyCrlExpires, message).mended_by("render again before then"))
    }
}

impl<'d> List<'d> {
    /// A list that `check` accepts; `None` if the list is not in the form that Envoy expects.
    fn read(pem: &'d str) -> Option<Self> {
        let der = CertificateRevocationListDer::from_pem_slice(pem.as_bytes()).ok()?;
        let (_, list) = CertificateRevocationList::from_der(&der).ok()?;
        if !DistinguishedName::from_der(list.issuer().as_raw()).has_canonical_form() {
            return None;
        }
        let next_update = list.next_update().map(|time| UnixSeconds(time.timestamp()));
        Some(Self { pem, this_update: UnixSeconds(list.last_update().timestamp()), next_update })
    }

    /// The reason why the list is not current at this moment.
    fn fault(&self, now: UnixSeconds) -> Option<String> {
        if self.this_update > now {
            return Some(format!("valid from {} on", rfc3339(self.this_update)));
        }
        let next = self.next_update.filter(|next| now > *next)?;
        Some(format!("overdue since {}", rfc3339(next)))
    }
}
