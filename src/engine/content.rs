//! What a certificate says beyond its fingerprint. It is read and parsed at most once for each certificate and engine,
//! as long as it is remembered; certificates of no client cannot push out those of clients.

use super::Engine;
use super::host::{Counters, Host, HostFailure};
use super::recent::Recent;
use crate::calendar;
use crate::certificate;
use crate::certificate::attributes::Attributes;
use crate::certificate::names::answers;
use crate::domain::credential::{CredentialIndex, Identifier, Kind};
use crate::domain::decision::Reason;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::identity::{Chain, Relays, Source};
use crate::domain::policy::Policy;
use crate::domain::revocation::RevocationList;
use crate::domain::rules::ConditionIndex;
use crate::domain::time::{UnixSeconds, Validity};
use data_encoding::BASE64;
use std::sync::Arc;

/// How many certificates of clients are remembered.
const KNOWN: usize = 8192;
/// How many of no client.
const UNKNOWN: usize = 1024;
/// How many certificates with a verified chain a VM remembers.
const VERIFIED: usize = 16_384;

/// What one certificate says, as far as the policy asks.
pub(super) struct Content {
    /// The credential that asks for its public key.
    pub(super) by_key: Option<CredentialIndex>,
    /// The credential that asks for one of its names.
    pub(super) by_name: Option<CredentialIndex>,
    /// Its own dates.
    pub(super) validity: Validity,
    /// Whether it is a relay's by its public key; by one of its names.
    pub(super) relay: (bool, bool),
    /// Whether its issuer has revoked it.
    pub(super) revoked: bool,
    /// When it stops counting because nobody knows any more whether its issuer has revoked it.
    pub(super) unknown_from: Option<UnixSeconds>,
    /// Which of the rules' conditions it meets.
    meets: Box<[bool]>,
    /// What upstreams are told of it.
    pub(super) values: Values,
}

/// The values of headers that are made of a certificate's content.
#[derive(Default)]
pub(super) struct Values {
    pub(super) subject: Option<String>,
    pub(super) spiffe_id: Option<String>,
    pub(super) not_after: Option<String>,
    pub(super) client_cert: Option<String>,
}

impl Content {
    fn of(der: &[u8], policy: &Policy) -> Result<Self, Reason> {
        let attributes = Attributes::parse(der).map_err(|_| Reason::CertificateUnreadable)?;
        let find = |identifier: Identifier| policy.registry.find(&identifier).map(|entry| entry.credential_index);
        let key = Identifier { kind: Kind::SpkiSha256, digest: attributes.spki_sha256 };
        let lists = match policy.revocation_lists.as_slice() {
            [] => Vec::new(),
            lists => {
                let issuer = attributes.issuer.canonical();
                lists.iter().filter(|list| list.issuer == issuer).collect()
            }
        };
        let strict = |list: &&RevocationList| list.next_update.filter(|_| list.strict);
        Ok(Self {
            by_key: find(key),
            by_name: answers(&attributes, policy.registry.shapes()).find_map(find),
            validity: attributes.validity,
            relay: match &policy.identity.source {
                Source::Connection => (false, false),
                Source::Xfcc(relays) => (relays.are(&key), names_relay(&attributes, relays)),
            },
            revoked: lists.iter().any(|list| list.contains(&attributes.serial)),
            unknown_from: lists.iter().filter_map(strict).min(),
            meets: conditions(&attributes, policy),
            values: values(der, &attributes, policy),
        })
    }

    /// Whether it meets this condition.
    pub(super) fn meets(&self, ConditionIndex(index): ConditionIndex) -> bool {
        self.meets.get(index).copied().unwrap_or_default()
    }
}

fn names_relay(attributes: &Attributes, relays: &Relays) -> bool {
    answers(attributes, &relays.shapes).any(|identifier| relays.are(&identifier))
}

fn conditions(attributes: &Attributes, policy: &Policy) -> Box<[bool]> {
    let rules = &policy.rules;
    let answers: Vec<_> = answers(attributes, rules.shapes()).collect();
    rules.conditions().iter().map(|any_of| any_of.iter().any(|identifier| answers.contains(identifier))).collect()
}

fn values(der: &[u8], attributes: &Attributes, policy: &Policy) -> Values {
    let names = &policy.headers;
    Values {
        subject: names.subject.as_ref().and_then(|_| attributes.subject.to_header()),
        spiffe_id: names.spiffe_id.as_ref().and_then(|_| attributes.spiffe_id().map(str::to_owned)),
        not_after: names.not_after.as_ref().map(|_| calendar::rfc3339(attributes.validity.not_after).to_string()),
        // A structured-field byte sequence (RFC 9440 section 2.1).
        client_cert: names.client_cert.then(|| [":", &BASE64.encode(der), ":"].concat()),
    }
}

/// The certificates that an engine remembers.
pub(super) struct Contents {
    known: Recent<Result<Arc<Content>, Reason>>,
    unknown: Recent<Result<Arc<Content>, Reason>>,
}

impl Default for Contents {
    fn default() -> Self {
        Self { known: Recent::new(KNOWN), unknown: Recent::new(UNKNOWN) }
    }
}

/// The certificates whose chain the proxy has verified, as one VM remembers them, whatever configuration is in force: of
/// a resumed session the proxy says no more that it has.
#[derive(Debug)]
pub struct Verified(Recent<()>);

impl Default for Verified {
    fn default() -> Self {
        Self(Recent::new(VERIFIED))
    }
}

impl Engine {
    /// What the certificate with this fingerprint says; `None` if it is not shown. `der` gives the certificate, if it is
    /// asked.
    pub(super) fn content(
        &self,
        host: &impl Counters,
        fingerprint: Fingerprint,
        der: impl FnOnce() -> Result<Option<Vec<u8>>, Reason>,
    ) -> Result<Option<Arc<Content>>, Reason> {
        let Contents { known, unknown } = &self.contents;
        if let Some(outcome) = known.get(&fingerprint).or_else(|| unknown.get(&fingerprint)) {
            return outcome.map(Some);
        }
        let outcome = match der() {
            Ok(None) => return Ok(None),
            // The host failed, not the certificate.
            Err(Reason::Internal) => return Err(Reason::Internal),
            Ok(Some(der)) => Content::of(&der, &self.policy).map(Arc::new),
            Err(reason) => Err(reason),
        };
        let registered = self.policy.registry.find(&Identifier::of_certificate(fingerprint));
        if let (Some(entry), Ok(content)) = (&registered, &outcome) {
            host.seen(entry.credential_index, content.validity.not_after);
        }
        let is_known = outcome.as_ref().is_ok_and(|content| registered.is_some() || is_known(content));
        if is_known { known } else { unknown }.put(fingerprint, outcome.clone());
        outcome.map(Some)
    }

    /// Remembers the certificate among those of clients, now that its names have been believed.
    pub(super) fn accept(&self, fingerprint: Fingerprint, content: &Arc<Content>) {
        if self.contents.known.get(&fingerprint).is_none() {
            self.contents.known.put(fingerprint, Ok(Arc::clone(content)));
        }
    }

    /// Whether the names in the certificate of the connection can be believed.
    pub(super) fn is_verified(&self, host: &impl Host, fingerprint: Fingerprint) -> Result<bool, Reason> {
        let Verified(before) = host.verified_before();
        if self.policy.identity.chain == Chain::Listener || before.get(&fingerprint).is_some() {
            return Ok(true);
        }
        let verified = host.verified().map_err(|HostFailure(_)| Reason::Internal)?;
        if verified {
            before.put(fingerprint, ());
        }
        Ok(verified)
    }
}

/// Whether it is a client's or a relay's by its key, without anybody's word. What a name makes one is
/// [accepted](Engine::accept) first: anybody can write a name.
fn is_known(content: &Content) -> bool {
    let (relay_by_key, _) = content.relay;
    content.by_key.is_some() || relay_by_key
}

/// The connection's certificate, which has this fingerprint; `None` if the host does not show it.
pub(super) fn shown(host: &impl Host, expected: Fingerprint) -> Result<Option<Vec<u8>>, Reason> {
    let Some(text) = host.certificate().map_err(|HostFailure(_)| Reason::Internal)? else { return Ok(None) };
    // A host that shows another certificate than the one it gave the digest of cannot be believed about it.
    certificate::der_with_fingerprint(&text, expected).map(Some).ok_or(Reason::CertificateUnreadable)
}
