//! The caller of a request, and whether its credential and its certificate are valid at this moment. Evidence is the
//! connection's certificate, or a certificate that a trusted relay forwards. No other header of a request is evidence.

mod caller;
mod certificate_cache;
mod certificates;
mod contents;
mod dates;
mod name_trust;
mod observations;
mod peer_certificate;
mod relay;
mod validity;
mod xfcc;

pub use caller::{Identified, Unidentified};
pub(super) use contents::Contents;
pub use observations::Observations;

use super::host::{Clock, HostFailure, Peer};
use crate::domain::cause::{Cause, Refusal};
use crate::domain::credential::Identifier;
use crate::domain::decision::Reason;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::identity::{Holder, Source};
use crate::domain::policy::Policy;
use crate::domain::registry::Entry;
use crate::domain::time::UnixSeconds;
use certificates::Certificates;
use dates::Dates;
use name_trust::NameTrust;
use peer_certificate::{Der, PeerCertificate};
use relay::Relay;
use std::sync::Arc;
use validity::{check_revocation, check_validity, check_window};

/// The registry of one policy, with what is known of its certificates.
pub(super) struct Identity {
    policy: Arc<Policy>,
    certificates: Certificates,
    /// The dates of registered certificates, by credential.
    dates: Vec<Dates>,
    /// Whether headers, rules or CRLs need the contents of certificates.
    reads_contents: bool,
}

impl Identity {
    /// The registry of this policy, before any certificate was seen.
    pub(super) fn new(policy: Arc<Policy>) -> Self {
        let clients = policy.registry.clients();
        let dates: Vec<_> = (0..clients.credential_count()).map(|_| Dates::default()).collect();
        for (credential, validity) in clients.dates() {
            if let Some(dates) = dates.get(credential.0) {
                dates.set(validity);
            }
        }
        Self {
            certificates: Certificates::new(Arc::clone(&policy)),
            dates,
            reads_contents: policy.headers.say_content()
                || !policy.rules.conditions().is_empty()
                || !policy.revocation_lists.is_empty(),
            policy,
        }
    }

    /// Identifies the caller from the connection, or from the lines of `x-forwarded-client-cert` if the peer is a trusted
    /// relay. The client is put into `client`.
    pub(super) fn identify<'c, 'e>(
        &'e self,
        peer: &impl Peer,
        clock: &impl Clock,
        xfcc: &[&[u8]],
        client: &'c mut Option<Identified<'e>>,
        observations: &mut Observations,
    ) -> Result<&'c Identified<'e>, Unidentified> {
        let presented = PeerCertificate::of_connection(peer)?;
        let presented = match &self.policy.identity.source {
            Source::Connection => presented,
            Source::Xfcc(relays) => {
                let relay = Relay { certificates: &self.certificates, relays };
                relay.certificate_of_caller(peer, clock, xfcc, presented, observations)?
            }
        };
        let registered = self.policy.registry.find(&Identifier::of_certificate(presented.fingerprint));
        match (registered, &presented.der) {
            (Some(entry), Der::NotFetched) if !self.reads_contents => {
                let PeerCertificate { fingerprint, digits, .. } = presented;
                let names = NameTrust::granted();
                Ok(client.insert(Identified { entry, fingerprint, digits, contents: None, forwarded: false, names }))
            }
            (registered, _) => self.identify_by_contents(peer, presented, registered, client, observations),
        }
    }

    /// Identifies the caller where more than the fingerprint matters or is known. Apart from most requests, which it would
    /// slow down.
    #[inline(never)]
    fn identify_by_contents<'c, 'e>(
        &'e self,
        peer: &impl Peer,
        presented: PeerCertificate,
        registered: Option<Entry<'e>>,
        client: &'c mut Option<Identified<'e>>,
        observations: &mut Observations,
    ) -> Result<&'c Identified<'e>, Unidentified> {
        let PeerCertificate { fingerprint, digits, der, names } = presented;
        let forwarded = der.is_forwarded();
        let names = if registered.is_some() { NameTrust::granted() } else { names };
        let holder = if forwarded { Holder::ForwardedClient } else { Holder::Client };
        let unidentified = |refusal: Refusal| {
            let certificate = der.known().map(<[u8]>::to_vec);
            Unidentified { refusal, fingerprint: Some(fingerprint), holder, certificate }
        };
        let wanted = match (&registered, &der) {
            // A relay that does not forward a certificate says nothing about its contents, even if they are cached.
            (_, Der::Forwarded(None)) => false,
            (Some(_), Der::Forwarded(Some(_))) => true,
            (Some(_), _) => self.reads_contents,
            (None, _) => !self.policy.registry.shapes().is_empty() || !self.policy.removed.shapes().is_empty(),
        };
        if let (Some(entry), Der::Fetched(der)) = (&registered, &der)
            && let Some(dates) = self.dates.get(entry.credential_index.0)
        {
            dates.read(entry.credential_index, der, observations);
        }
        let chain = self.policy.identity.chain;
        let compare = |contents: &Contents| match registered.is_some() || contents.by_key.is_some() {
            // The certificate is a client's without its names: only rules can ask for them.
            true => Ok(names.is_granted() && !self.policy.rules.conditions().is_empty()),
            false => names.check(chain, peer),
        };
        let contents = match wanted {
            true => {
                self.certificates.contents(peer, fingerprint, &der, &compare, observations).map_err(unidentified)?
            }
            false => None,
        };
        let entry = match (registered, &contents) {
            (Some(entry), _) => entry,
            (None, Some(contents)) => {
                self.find_by_contents(peer, fingerprint, &names, contents).map_err(unidentified)?
            }
            (None, None) => {
                let cause = match der {
                    _ if self.policy.removed.has(&Identifier::of_certificate(fingerprint)) => Cause::ClientRemoved,
                    Der::Forwarded(None) => Cause::RelayHeaderWithoutCert,
                    _ => Cause::NotRegistered,
                };
                return Err(unidentified(cause.into()));
            }
        };
        Ok(client.insert(Identified { entry, fingerprint, digits, contents, forwarded, names }))
    }

    /// The client whose credential has the certificate's key, or one of its names if these are trusted.
    fn find_by_contents(
        &self,
        peer: &impl Peer,
        fingerprint: Fingerprint,
        names: &NameTrust,
        contents: &Contents,
    ) -> Result<Entry<'_>, Refusal> {
        let index = match (contents.by_key, &contents.names) {
            (Some(index), _) => index,
            // Names that are not trusted were not compared.
            (None, None) => return Err(Cause::ChainNotVerified.into()),
            (None, Some(compared)) => {
                let unknown = || match contents.unreadable_to_registry {
                    _ if contents.removed => Cause::ClientRemoved,
                    _ if self.policy.removed.has(&Identifier::of_certificate(fingerprint)) => Cause::ClientRemoved,
                    true => Cause::NamesUnreadable,
                    false => Cause::NotRegistered,
                };
                let index = compared.credential.ok_or_else(unknown)?;
                if !names.check(self.policy.identity.chain, peer)? {
                    return Err(Cause::ChainNotVerified.into());
                }
                index
            }
        };
        Ok(self.policy.registry.at(index).ok_or(Cause::NoConfiguration)?)
    }

    /// Security check: whether the contents of the client's certificate are trusted, because its chain is verified or it is
    /// registered as a whole. `false` if there are no contents.
    pub(super) fn trusts_contents(&self, peer: &impl Peer, identified: &Identified<'_>) -> Result<bool, HostFailure> {
        match &identified.contents {
            Some(_) => identified.names.check(self.policy.identity.chain, peer),
            None => Ok(false),
        }
    }

    /// The contents of the client's certificate with its names compared, if the contents are trusted.
    pub(super) fn trusted_contents(
        &self,
        peer: &impl Peer,
        identified: &Identified<'_>,
        observations: &mut Observations,
    ) -> Result<Option<Arc<Contents>>, Refusal> {
        if !self.trusts_contents(peer, identified)? {
            return Ok(None);
        }
        match &identified.contents {
            Some(contents) if contents.names.is_none() => {
                let (fingerprint, compare) = (identified.fingerprint, &|_: &Contents| Ok(true));
                self.certificates.contents(peer, fingerprint, &Der::NotFetched, compare, observations)
            }
            contents => Ok(contents.clone()),
        }
    }

    /// Security check: whether the client is enabled, and its credential and certificate are neither revoked nor outside of
    /// their validity.
    pub(super) fn check_credential(
        &self,
        peer: &impl Peer,
        clock: &impl Clock,
        identified: &Identified<'_>,
        now: UnixSeconds,
        observations: &mut Observations,
    ) -> Result<(), Refusal> {
        let Entry { credential_index: index, credential, client, .. } = identified.entry;
        if credential.revoked {
            return Err(Cause::CredentialRevoked.into());
        }
        if !client.enabled {
            return Err(Cause::ClientDisabled.into());
        }
        let window = match credential.bounded {
            true => Some(self.policy.registry.clients().window(index).ok_or(Cause::NoConfiguration)?),
            false => None,
        };
        let dates = self.dates.get(index.0).ok_or(Cause::NoConfiguration)?;
        let dates = match &identified.contents {
            Some(contents) => {
                check_revocation(contents, now, observations)?;
                Some(contents.validity)
            }
            // A certificate whose serial number is not known may be revoked.
            None if !self.policy.revocation_lists.is_empty() => {
                let (reason, cause) = (Reason::CertificateUnreadable, identified.cause_of_no_contents());
                return Err(Refusal { reason, cause });
            }
            None if identified.forwarded => dates.known()?,
            None => dates.of_connection(peer, clock, index, identified.fingerprint, observations)?,
        };
        if dates.or(window).is_none() {
            observations.dates_unchecked = true;
        }
        if let Some(window) = window {
            check_window(window, now)?;
        }
        match dates {
            Some(dates) => Ok(check_validity(dates, now)?),
            None => Ok(()),
        }
    }
}
