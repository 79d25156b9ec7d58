//! The caller of a request: a client that its certificate identified, or nobody that the registry knows.

use super::contents::Contents;
use super::name_trust::NameTrust;
use crate::domain::cause::{Cause, Refusal};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::identity::Holder;
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

impl Identified<'_> {
    /// The cause of a condition that is not met. `trusted` has the contents of the certificate, if the contents are
    /// trusted.
    pub(in crate::engine) fn cause_of_unmet_condition(&self, trusted: Option<&Contents>) -> Cause {
        match (trusted, &self.contents) {
            (Some(contents), _) if contents.unreadable_to_rules => Cause::NamesUnreadable,
            (Some(_), _) => Cause::ConditionNotMet,
            (None, Some(_)) => Cause::ChainNotVerified,
            (None, None) => self.cause_of_no_contents(),
        }
    }

    /// The cause of a refusal because the contents of the certificate are not known.
    pub(super) fn cause_of_no_contents(&self) -> Cause {
        if self.forwarded { Cause::RelayHeaderWithoutCert } else { Cause::CertificateNotShown }
    }
}

/// A caller that is no client, and why.
pub struct Unidentified {
    /// Why the request is refused.
    pub refusal: Refusal,
    /// The fingerprint of the certificate, if there is one.
    pub fingerprint: Option<Fingerprint>,
    /// The holder of the certificate.
    pub holder: Holder,
    /// The DER form of the certificate, if no host has to be asked for it.
    pub certificate: Option<Vec<u8>>,
}

impl<R: Into<Refusal>> From<R> for Unidentified {
    fn from(refusal: R) -> Self {
        Self { refusal: refusal.into(), fingerprint: None, holder: Holder::Client, certificate: None }
    }
}
