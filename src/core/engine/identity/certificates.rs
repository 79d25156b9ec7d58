//! The contents of the certificates that an engine has seen. A certificate is parsed at most once for as long as it is
//! cached. Certificates of unknown callers have a cache of their own, so they cannot push out those of clients.

use super::certificate_cache::CertificateCache;
use super::contents::{Compare, Contents, Names};
use super::observations::Observations;
use super::peer_certificate::Der;
use crate::domain::cause::Refusal;
use crate::domain::credential::Identifier;
use crate::domain::decision::Reason;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::policy::Policy;
use crate::engine::host::Peer;
use std::sync::Arc;

/// Certificates of clients and relays that are cached.
const CLIENTS: usize = 8192;
/// Certificates of others that are cached.
const OTHERS: usize = 1024;

/// The certificates that an engine has seen, read as its policy asks.
pub(super) struct Certificates {
    policy: Arc<Policy>,
    clients: CertificateCache<Result<Arc<Contents>, Refusal>>,
    others: CertificateCache<Result<Arc<Contents>, Refusal>>,
}

impl Certificates {
    /// No certificates yet, to be read as this policy asks.
    pub(super) fn new(policy: Arc<Policy>) -> Self {
        Self { policy, clients: CertificateCache::new(CLIENTS), others: CertificateCache::new(OTHERS) }
    }

    /// The policy.
    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The contents of the certificate with this fingerprint; `None` if nobody shows the certificate. `compare` says
    /// whether the names in it are compared with those of the policy.
    pub(super) fn contents(
        &self,
        peer: &impl Peer,
        fingerprint: Fingerprint,
        der: &Der,
        compare: Compare<'_>,
        observations: &mut Observations,
    ) -> Result<Option<Arc<Contents>>, Refusal> {
        if let Some(outcome) = self.clients.get(&fingerprint).or_else(|| self.others.get(&fingerprint)) {
            let contents = outcome?;
            if contents.names.is_some() || !compare(&contents)? {
                return Ok(Some(contents));
            }
        }
        let outcome = match der.fetch(peer, fingerprint) {
            Ok(None) => return Ok(None),
            Ok(Some(der)) => Contents::of(&der, &self.policy, compare).map(Arc::new),
            Err(refusal) => Err(refusal),
        };
        // The host failed, not the certificate.
        if let Err(refusal) = outcome
            && refusal.reason == Reason::Internal
        {
            return Err(refusal);
        }
        let registered = self.policy.registry.find(&Identifier::of_certificate(fingerprint));
        if let (Some(entry), Ok(contents)) = (&registered, &outcome) {
            observations.parsed.push((entry.credential_index, contents.validity.not_after));
        }
        let is_client = outcome.as_ref().is_ok_and(|contents| registered.is_some() || is_of_client_or_relay(contents));
        if is_client { &self.clients } else { &self.others }.put(fingerprint, outcome.clone());
        outcome.map(Some)
    }
}

/// Whether the certificate is a client's or a relay's. Its names were compared only if they are trusted, or if it is a
/// client's without them.
fn is_of_client_or_relay(contents: &Contents) -> bool {
    let by_name = |names: &Names| names.credential.is_some() || names.relay;
    contents.by_key.is_some() || contents.relay_by_key || contents.names.as_ref().is_some_and(by_name)
}
