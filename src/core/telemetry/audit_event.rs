//! The audit log's line of a request: one JSON object on one line, bounded, ASCII only, whatever the request and the
//! certificate contain. Fields have OpenTelemetry's names where it defines some.

use super::presented_certificate::{PresentedCertificate, write_entry};
use super::quoted::Quoted;
use super::trace_parent;
use crate::calendar::rfc3339_to_the_millisecond;
use crate::domain::cause::{Cause, Refusal};
use crate::domain::decision::{Decision, Reason};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::identity::Holder;
use crate::domain::limits::ExceededLimits;
use crate::domain::name::Name;
use crate::domain::revocation::CrlIndex;
use crate::domain::rules::RuleIndex;
use std::fmt::{self, Write};

/// A decided request.
#[derive(Clone, Copy, Debug)]
pub struct Event<'e> {
    /// The refusal; in shadow mode the one that there would be.
    pub refusal: Option<Refusal>,
    /// Whether the mode is shadow.
    pub shadow: bool,
    /// The alias of the client.
    pub alias: Option<&'e str>,
    /// The tier that the request counts in.
    pub tier: Option<&'e Name>,
    /// The rule that decided, or that asks for the part of the request that is ambiguous, with its name, if it has one.
    pub rule: Option<(RuleIndex, Option<&'e Name>)>,
    /// The limits that refuse the request.
    pub exceeded: Option<ExceededLimits<'e>>,
    /// The CRL that refuses the request, with the name of its issuer.
    pub crl: Option<(CrlIndex, &'e str)>,
    /// The fingerprint of the certificate, if it is known.
    pub fingerprint: Option<Fingerprint>,
    /// The holder of the certificate.
    pub holder: Holder,
    /// The DER form of an unknown caller's certificate, if it is known without the host.
    pub certificate: Option<&'e [u8]>,
    /// Whether names in the certificate count whatever the host says of its chain.
    pub trusts_names: bool,
    /// The strictest tier, for the suggested registry entry.
    pub strictest_tier: Option<&'e Name>,
    /// The request, if the line has it.
    pub request: Option<Request<'e>>,
}

/// A request, as the client sent it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'e> {
    /// `:method`.
    pub method: &'e [u8],
    /// `:path`, with its query.
    pub path: &'e [u8],
    /// `traceparent`.
    pub trace_parent: Option<&'e [u8]>,
}

/// Facts of the host for the line. The host is asked only if the line is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances<'c> {
    /// Nanoseconds since 1970.
    pub time: Option<u64>,
    /// The downstream's address, mostly with a port.
    pub source: Option<&'c [u8]>,
    /// The certificate of an unknown caller.
    pub certificate: Option<&'c PresentedCertificate>,
    /// The number of lines of this kind that were suppressed before this one.
    pub suppressed: u64,
}

impl Event<'_> {
    /// A request that could not be decided, without a usable configuration.
    pub const UNDECIDED: Self = Self {
        refusal: Some(Refusal { reason: Reason::Internal, cause: Cause::NoConfiguration }),
        shadow: false,
        alias: None,
        tier: None,
        rule: None,
        exceeded: None,
        crl: None,
        fingerprint: None,
        holder: Holder::Client,
        certificate: None,
        trusts_names: false,
        strictest_tier: None,
        request: None,
    };

    /// The log line.
    pub fn line(&self, known: &Circumstances<'_>) -> String {
        let mut line = String::from("{");
        // Writing to a `String` cannot fail.
        let _ = self.write(&mut line, known);
        line.push('}');
        line
    }

    fn write(&self, line: &mut String, known: &Circumstances<'_>) -> fmt::Result {
        let time = known.time.map(|nanos| rfc3339_to_the_millisecond(nanos).to_string());
        let decision = self.refusal.map_or(Decision::Allowed, |refusal| refusal.reason.decision()).as_str(self.shadow);
        let rule = self.rule.map(|(RuleIndex(index), name)| match name {
            Some(name) => name.to_string(),
            None => format!("rules[{index}]"),
        });
        let limits = self.exceeded.map(ExceededLimits::enforced_names);
        let crl = self.crl.map(|(CrlIndex(index), issuer)| format!("crls[{index}] of {issuer}"));
        let fingerprint = self.fingerprint.map(|fingerprint| fingerprint.to_string());
        let (address, port) = known.source.map(split).unwrap_or_default();
        let (method, path) =
            self.request.map(|request| (request.method, without_query(request.path))).unwrap_or_default();
        let trace_id = self.request.and_then(|request| trace_parent::id(request.trace_parent?));
        let texts = [
            ("time", time.as_deref().map(str::as_bytes)),
            ("certgate.decision", Some(decision.as_bytes())),
            ("certgate.reason", self.refusal.map(|refusal| refusal.reason.as_str().as_bytes())),
            ("certgate.cause", self.refusal.map(|refusal| refusal.cause.as_str().as_bytes())),
            ("certgate.client.alias", self.alias.map(str::as_bytes)),
            ("certgate.tier", self.tier.map(|tier| tier.as_str().as_bytes())),
            ("certgate.rule", rule.as_deref().map(str::as_bytes)),
            ("certgate.limits", limits.as_deref().map(str::as_bytes)),
            ("certgate.crl", crl.as_deref().map(str::as_bytes)),
            ("tls.client.hash.sha256", fingerprint.as_deref().map(str::as_bytes)),
            ("certgate.fingerprint_of", self.fingerprint.map(|_| self.holder.as_str().as_bytes())),
            ("tls.client.subject", known.certificate.and_then(|certificate| certificate.subject.as_deref())),
            ("tls.client.issuer", known.certificate.and_then(|certificate| certificate.issuer.as_deref())),
            ("client.address", Some(address)),
            ("http.request.method", Some(method)),
            ("url.path", Some(path)),
            ("trace_id", trace_id),
        ];
        for (name, text) in texts {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                let comma = if line.len() > 1 { "," } else { "" };
                write!(line, r#"{comma}"{name}":{}"#, Quoted(text))?;
            }
        }
        for (name, number) in [("client.port", port), ("certgate.suppressed", known.suppressed)] {
            if number > 0 {
                write!(line, r#","{name}":{number}"#)?;
            }
        }
        if let Some(certificate) = known.certificate {
            certificate.write_names(line)?;
        }
        match &fingerprint {
            Some(fingerprint) => write_entry(line, self, fingerprint, known.certificate),
            None => Ok(()),
        }
    }
}

/// The address and the port in `192.0.2.1:443` or `[2001:db8::1]:443`. Text without a port is the address.
fn split(source: &[u8]) -> (&[u8], u64) {
    address_and_port(source).unwrap_or((source, 0))
}

fn address_and_port(source: &[u8]) -> Option<(&[u8], u64)> {
    let colon = source.iter().rposition(|byte| *byte == b':')?;
    let (address, port) = source.split_at_checked(colon)?;
    let port = str::from_utf8(port.strip_prefix(b":")?).ok()?.parse::<u16>().ok()?;
    let bare = address.strip_prefix(b"[").and_then(|address| address.strip_suffix(b"]"));
    let address = bare.or(Some(address).filter(|address| !address.contains(&b':')))?;
    Some((address, port.into()))
}

/// The path without its query, which may contain secrets.
fn without_query(path: &[u8]) -> &[u8] {
    path.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
