//! The certificate of an unknown caller in a log line: its names in a registry's own terms, bounded and escaped, and an
//! entry for the registry's `clients` to paste into JSON or YAML.

use super::audit_event::Event;
use super::audit_log::Facts;
use super::quoted::Quoted;
use crate::certificate;
use crate::certificate::contents::CertificateContents;
use crate::certificate::names::NameParts;
use crate::domain::cause::Cause;
use crate::domain::decision::Reason;
use crate::domain::identity::Holder;
use crate::domain::name::Name;
use std::borrow::Cow;
use std::fmt::{self, Write};

/// The most names of one kind in a line, which stays shorter than 16 KiB: longer lines are split by some readers of logs.
/// With more, an ellipsis is the last one.
const MOST_NAMES: usize = 3;

/// The longest text of a certificate that is read for a line, in bytes. A certificate with a thousand names must not cause
/// work for each line.
const LONGEST_READ: usize = 12_288;

/// The readable names of a certificate.
#[derive(Clone, Debug, Default)]
pub struct PresentedCertificate {
    /// The subject, as RFC 4514 text or as the host has it.
    pub subject: Option<Vec<u8>>,
    /// The issuer, as RFC 4514 text.
    pub issuer: Option<Vec<u8>>,
    /// The URIs of the subject alternative names.
    pub uri_sans: Vec<Box<str>>,
    /// The DNS names of the subject alternative names.
    pub dns_sans: Vec<Box<str>>,
    /// The SPIFFE ID, if a registry can know the caller by it: its chain is verified, as far as the host says.
    pub lasting_id: Option<String>,
}

impl PresentedCertificate {
    /// The certificate of the unknown caller of this event; `None` if the caller is not unknown.
    pub fn of(event: &Event<'_>, facts: &impl Facts) -> Option<Self> {
        if event.refusal?.reason != Reason::UnknownCertificate {
            return None;
        }
        let of_connection = event.holder == Holder::Client;
        let shown = || {
            let text = facts.certificate().filter(|text| text.len() <= LONGEST_READ)?;
            certificate::der_with_fingerprint(&text, event.fingerprint?)
        };
        let der = match event.certificate {
            Some(der) => Some(Cow::Borrowed(der)).filter(|der| der.len() <= LONGEST_READ),
            None if of_connection => shown().map(Cow::Owned),
            None => None,
        };
        let Some(contents) = der.and_then(|der| CertificateContents::parse(&der).ok()) else {
            let subject = if of_connection { facts.subject() } else { None };
            return Some(Self { subject, ..Self::default() });
        };
        let subject = match contents.subject.is_readable() || !of_connection {
            true => Some(contents.subject.to_rfc4514().into_bytes()),
            false => facts.subject(),
        };
        let spiffe_id = contents.spiffe_id().filter(|id| NameParts::uri_pattern(id).is_some());
        let lasting_id = spiffe_id.filter(|_| event.trusts_names || facts.verified()).map(str::to_owned);
        let issuer = Some(contents.issuer.to_rfc4514().into_bytes());
        Some(Self { subject, issuer, lasting_id, uri_sans: contents.uri_sans, dns_sans: contents.dns_sans })
    }

    /// Writes the alternative names.
    pub(super) fn write_names(&self, line: &mut String) -> fmt::Result {
        for (field, names) in [("certgate.uri_san", &self.uri_sans), ("certgate.dns_san", &self.dns_sans)] {
            if names.is_empty() {
                continue;
            }
            write!(line, r#","{field}":["#)?;
            let cut = names.get(MOST_NAMES).map(|_| "\u{2026}");
            for (place, name) in names.iter().take(MOST_NAMES).map(|name| &**name).chain(cut).enumerate() {
                let comma = if place > 0 { "," } else { "" };
                write!(line, "{comma}{}", Quoted(name.as_bytes()))?;
            }
            line.write_char(']')?;
        }
        Ok(())
    }
}

/// Writes the entry for the caller of this event: by its SPIFFE ID, which outlives the certificate, or by the certificate's
/// fingerprint. A client that was removed is not offered again.
pub(super) fn write_entry(
    line: &mut String,
    event: &Event<'_>,
    fingerprint: &str,
    presented: Option<&PresentedCertificate>,
) -> fmt::Result {
    let Some(refusal) = event.refusal.filter(|refusal| refusal.reason == Reason::UnknownCertificate) else {
        return Ok(());
    };
    if refusal.cause == Cause::ClientRemoved {
        return Ok(());
    }
    let start = fingerprint.get(..8).unwrap_or_default();
    let tier = event.strictest_tier.map_or("name-of-a-tier", Name::as_str);
    write!(line, r#","certgate.client_entry":{{"alias":"client-{start}","tier":"{tier}""#)?;
    let subject = presented.and_then(|presented| presented.subject.as_deref());
    if let Some(subject) = subject.filter(|subject| !subject.is_empty()) {
        write!(line, r#","description":{}"#, Quoted(subject))?;
    }
    match presented.and_then(|presented| presented.lasting_id.as_deref()) {
        Some(id) => write!(line, r#","credentials":[{{"uri_san":"{id}"}}]}}"#),
        None => write!(line, r#","credentials":[{{"sha256":"{fingerprint}"}}]}}"#),
    }
}
