//! What a certificate says beyond its fingerprint. It is read and parsed at most once for each certificate and engine,
//! as long as it is remembered; certificates of no client cannot push out those of clients.

use super::Engine;
use super::host::Host;
use super::presented::Shown;
use super::recent::Recent;
use crate::calendar;
use crate::certificate;
use crate::certificate::attributes::Attributes;
use crate::certificate::names::CertificateNames;
use crate::domain::credential::{CredentialIndex, Identifier, Kind};
use crate::domain::decision::Reason;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::identity::{Relays, Source};
use crate::domain::policy::Policy;
use crate::domain::revocation::RevocationList;
use crate::domain::rules::ConditionIndex;
use crate::domain::time::{UnixSeconds, Validity};
use data_encoding::BASE64;
use std::borrow::Cow;
use std::sync::Arc;

/// How many certificates of clients are remembered.
const KNOWN: usize = 8192;
/// How many of no client.
const UNKNOWN: usize = 1024;

/// What one certificate says, as far as the policy asks.
pub(super) struct Content {
    /// The credential that asks for its public key.
    pub(super) by_key: Option<CredentialIndex>,
    /// Its own dates.
    pub(super) validity: Validity,
    /// Whether it is a relay's by its public key.
    pub(super) relay_by_key: bool,
    /// Whether its issuer has revoked it.
    pub(super) revoked: bool,
    /// When it stops counting because nobody knows any more whether its issuer has revoked it.
    pub(super) unknown_from: Option<UnixSeconds>,
    /// What its names say; `None` as long as they were not compared.
    pub(super) names: Option<Names>,
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

/// Whether the names in a certificate are to be compared, if they were not yet.
pub(super) type Compare<'c> = &'c dyn Fn(&Content) -> Result<bool, Reason>;

/// What a certificate's names say. They are compared only where somebody vouches for them, or the certificate is a
/// client's without them: the work must not be for anybody who writes a thousand names into a certificate.
#[derive(Default)]
pub(super) struct Names {
    /// The credential that asks for one of them.
    pub(super) credential: Option<CredentialIndex>,
    /// Whether one of them is a relay's.
    pub(super) relay: bool,
    /// Which of the rules' conditions they meet.
    meets: Box<[bool]>,
}

impl Content {
    /// What this certificate says.
    fn of(der: &[u8], policy: &Policy, compare: Compare<'_>) -> Result<Self, Reason> {
        let attributes = Attributes::parse(der).map_err(|_| Reason::CertificateUnreadable)?;
        let key = Identifier { kind: Kind::SpkiSha256, digest: attributes.spki_sha256 };
        let lists = match policy.revocation_lists.as_slice() {
            [] => Vec::new(),
            lists => {
                let issuer = attributes.issuer.canonical();
                lists.iter().filter(|list| list.issuer == issuer).collect()
            }
        };
        let strict = |list: &&RevocationList| list.next_update.filter(|_| list.strict);
        let mut content = Self {
            by_key: find(policy, &key),
            validity: attributes.validity,
            relay_by_key: relays(policy).is_some_and(|relays| relays.are(&key)),
            revoked: lists.iter().any(|list| list.contains(&attributes.serial)),
            unknown_from: lists.iter().filter_map(strict).min(),
            names: None,
            values: values(der, &attributes, policy),
        };
        let names = CertificateNames::of(&attributes);
        if !names_matter(&names, policy) {
            content.names = Some(Names::default());
        } else if compare(&content)? {
            content.names = Some(Names::of(&names, policy));
        }
        Ok(content)
    }
}

impl Names {
    fn of(names: &CertificateNames<'_>, policy: &Policy) -> Self {
        let mut meets: Box<[bool]> = policy.rules.conditions().iter().map(|_| false).collect();
        names.any(policy.rules.shapes(), &mut |identifier| {
            for (met, any_of) in meets.iter_mut().zip(policy.rules.conditions()) {
                *met |= any_of.binary_search(identifier).is_ok();
            }
            false
        });
        let mut credential = None;
        names.any(policy.registry.shapes(), &mut |identifier| {
            credential = find(policy, identifier);
            credential.is_some()
        });
        let relays = relays(policy);
        let relay = relays.is_some_and(|relays| names.any(&relays.shapes, &mut |identifier| relays.are(identifier)));
        Self { credential, relay, meets }
    }

    /// Whether they meet this condition.
    pub(super) fn meet(&self, ConditionIndex(index): ConditionIndex) -> bool {
        self.meets.get(index).copied().unwrap_or_default()
    }
}

fn find(policy: &Policy, identifier: &Identifier) -> Option<CredentialIndex> {
    policy.registry.find(identifier).map(|entry| entry.credential_index)
}

fn relays(policy: &Policy) -> Option<&Relays> {
    match &policy.identity.source {
        Source::Connection => None,
        Source::Xfcc(relays) => Some(relays),
    }
}

/// Whether the policy asks for any name that could be one of these.
fn names_matter(names: &CertificateNames<'_>, policy: &Policy) -> bool {
    let relays = relays(policy).map_or(&[][..], |relays| &relays.shapes);
    [policy.registry.shapes(), relays, policy.rules.shapes()].into_iter().any(|shapes| names.cost(shapes) > 0)
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

impl Engine {
    /// What the certificate with this fingerprint says, which is there; `None` if it is not shown.
    pub(super) fn content(
        &self,
        host: &impl Host,
        fingerprint: Fingerprint,
        there: &Shown,
        compare: Compare<'_>,
    ) -> Result<Option<Arc<Content>>, Reason> {
        let Contents { known, unknown } = &self.contents;
        if let Some(outcome) = known.get(&fingerprint).or_else(|| unknown.get(&fingerprint)) {
            let content = outcome?;
            if content.names.is_some() || !compare(&content)? {
                return Ok(Some(content));
            }
        }
        let outcome = match shown(host, fingerprint, there) {
            Ok(None) => return Ok(None),
            Ok(Some(der)) => Content::of(&der, &self.policy, compare).map(Arc::new),
            Err(reason) => Err(reason),
        };
        // The host failed, not the certificate.
        if let Err(Reason::Internal) = outcome {
            return Err(Reason::Internal);
        }
        let registered = self.policy.registry.find(&Identifier::of_certificate(fingerprint));
        if let (Some(entry), Ok(content)) = (&registered, &outcome) {
            host.seen(entry.credential_index, content.validity.not_after);
        }
        let is_known = outcome.as_ref().is_ok_and(|content| registered.is_some() || is_known(content));
        if is_known { known } else { unknown }.put(fingerprint, outcome.clone());
        outcome.map(Some)
    }
}

/// Whether it is a client's or a relay's. Names that were compared are somebody's word, or the certificate is a client's
/// without them.
fn is_known(content: &Content) -> bool {
    let by_name = |names: &Names| names.credential.is_some() || names.relay;
    content.by_key.is_some() || content.relay_by_key || content.names.as_ref().is_some_and(by_name)
}

/// The certificate, which is there and has this fingerprint; `None` if it is not shown.
fn shown<'s>(host: &impl Host, expected: Fingerprint, there: &'s Shown) -> Result<Option<Cow<'s, [u8]>>, Reason> {
    match there {
        Shown::Already(der) | Shown::ByRelay(Some(der)) => return Ok(Some(Cow::Borrowed(der))),
        Shown::ByRelay(None) => return Ok(None),
        Shown::OnDemand => {}
    }
    let Some(text) = host.certificate()? else { return Ok(None) };
    // A host that shows another certificate than the one it gave the digest of cannot be believed about it.
    let der = certificate::der_with_fingerprint(&text, expected).ok_or(Reason::CertificateUnreadable)?;
    Ok(Some(Cow::Owned(der)))
}
