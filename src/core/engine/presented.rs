//! The certificate that the connection's other end presents, by its fingerprint.

use super::host::Host;
use super::vouch::Vouched;
use crate::certificate;
use crate::domain::decision::Reason;
use crate::domain::fingerprint::Fingerprint;

/// A certificate that stands for a caller.
pub(super) struct Presented {
    pub(super) fingerprint: Fingerprint,
    /// The fingerprint in hexadecimal digits.
    pub(super) digits: Vec<u8>,
    /// Where the certificate itself is.
    pub(super) shown: Shown,
    /// Whether somebody vouches for its names.
    pub(super) vouched: Vouched,
}

/// Where a certificate is.
pub(super) enum Shown {
    /// The host has it, if it is asked.
    OnDemand,
    /// The host was asked for it already.
    Already(Vec<u8>),
    /// A relay has given it, or only its fingerprint.
    ByRelay(Option<Vec<u8>>),
}

/// What the other end presents.
pub(super) fn presented(host: &impl Host) -> Result<Presented, Reason> {
    if let Some(digits) = host.digest()? {
        let fingerprint = certificate::fingerprint_from_hex(&digits).ok_or(Reason::Internal)?;
        return Ok(Presented { fingerprint, digits, shown: Shown::OnDemand, vouched: Vouched::default() });
    }
    let text = host.certificate()?.ok_or(Reason::NoCertificate)?;
    let der = certificate::der_from_text(&text).map_err(|_| Reason::CertificateUnreadable)?;
    let fingerprint = certificate::fingerprint(&der);
    let (digits, vouched) = (fingerprint.to_string().into_bytes(), Vouched::default());
    Ok(Presented { fingerprint, digits, shown: Shown::Already(der), vouched })
}
