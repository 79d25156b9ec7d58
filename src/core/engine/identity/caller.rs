//! The caller of a request: a client that its certificate identified, or nobody that the registry knows.

use super::contents::Contents;
use super::name_trust::NameTrust;
use crate::domain::decision::Reason;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::registry::Entry;
use std::sync::Arc;

/// A client, and the certificate that identified it.
pub struct Identified<'e> {
    /// The credential and its client.
    pub entry: Entry<'e>,
    /// The certificate's fingerprint.
    pub fingerprint: Fingerprint,
    /// Whether a relay has forwarded the certificate.
    pub forwarded: bool,
    /// The fingerprint in hexadecimal digits.
    pub(in crate::engine) digits: Vec<u8>,
    /// The certificate's contents, if the policy needs them and the certificate is there.
    pub(in crate::engine) contents: Option<Arc<Contents>>,
    /// Whether the names in the certificate are trusted.
    pub(super) names: NameTrust,
}

/// A caller that is no client, and the reason.
pub struct Unidentified {
    /// The reason of the refusal.
    pub reason: Reason,
    /// The fingerprint of the certificate, if there is one.
    pub fingerprint: Option<Fingerprint>,
    /// Whether a relay has forwarded the certificate.
    pub forwarded: bool,
}

impl From<Reason> for Unidentified {
    fn from(reason: Reason) -> Self {
        Self { reason, fingerprint: None, forwarded: false }
    }
}
