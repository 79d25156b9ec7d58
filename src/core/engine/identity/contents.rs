//! The contents of a certificate beyond its fingerprint, as far as a policy asks for them.

use crate::calendar;
use crate::certificate::contents::CertificateContents;
use crate::certificate::names::{CertificateNames, MOST_COST};
use crate::domain::cause::{Cause, Refusal};
use crate::domain::credential::{CredentialIndex, Identifier, Kind, Shape};
use crate::domain::identity::{Relays, Source};
use crate::domain::policy::Policy;
use crate::domain::revocation::{CrlIndex, RevocationList};
use crate::domain::rules::ConditionIndex;
use crate::domain::time::{UnixSeconds, Validity};
use crate::engine::host::HostFailure;
use data_encoding::BASE64;

/// The contents of one certificate.
pub(in crate::engine) struct Contents {
    /// The credential with its public key.
    pub(super) by_key: Option<CredentialIndex>,
    /// The certificate's `notBefore` and `notAfter`.
    pub(super) validity: Validity,
    /// Whether its public key is a relay's.
    pub(super) relay_by_key: bool,
    /// The CRL of its issuer that has its serial number.
    pub(super) revoked_by: Option<CrlIndex>,
    /// The moment after which a CRL of its issuer that is `strict` is overdue, and the CRL.
    pub(super) unknown_from: Option<(UnixSeconds, CrlIndex)>,
    /// Whether the registry asks for names of a kind that cannot be read.
    pub(super) unreadable_to_registry: bool,
    /// Whether rules ask for names of a kind that cannot be read.
    pub(super) unreadable_to_rules: bool,
    /// Whether a removed credential has its public key or one of its names.
    pub(super) removed: bool,
    /// The result of comparing its names; `None` if they were not compared.
    pub(in crate::engine) names: Option<Names>,
    /// The values of headers for upstreams.
    pub(in crate::engine) values: Values,
}

/// The values of headers that are made of a certificate's contents; `None` where the policy does not ask for one.
#[derive(Default)]
pub(in crate::engine) struct Values {
    pub(in crate::engine) subject: Option<String>,
    pub(in crate::engine) spiffe_id: Option<String>,
    pub(in crate::engine) not_after: Option<String>,
    pub(in crate::engine) client_cert: Option<String>,
}

/// Whether the names in a certificate are to be compared, if they were not yet.
pub(super) type Compare<'c> = &'c dyn Fn(&Contents) -> Result<bool, HostFailure>;

/// The result of comparing the names in a certificate with those of the policy. They are compared only if they are
/// trusted, or if the certificate is a client's without them: a certificate with a thousand names must not cause work for
/// anybody who presents it.
#[derive(Default)]
pub(in crate::engine) struct Names {
    /// The credential that asks for one of them.
    pub(super) credential: Option<CredentialIndex>,
    /// Whether one of them is a relay's.
    pub(super) relay: bool,
    /// Whether they meet each of the rules' conditions.
    meets: Box<[bool]>,
}

impl Contents {
    /// The contents of the certificate with this DER form.
    pub(super) fn of(der: &[u8], policy: &Policy, compare: Compare<'_>) -> Result<Self, Refusal> {
        let attributes = CertificateContents::parse(der).map_err(|_| Cause::CertificateMalformed)?;
        let key = Identifier { kind: Kind::SpkiSha256, digest: attributes.spki_sha256 };
        let lists = match policy.revocation_lists.as_slice() {
            [] => Vec::new(),
            lists => {
                let issuer = attributes.issuer.canonical();
                let lists = lists.iter().enumerate().filter(|(_, list)| list.issuer == issuer);
                lists.map(|(index, list)| (CrlIndex(index), list)).collect::<Vec<_>>()
            }
        };
        let has_serial = |(_, list): &&(CrlIndex, &RevocationList)| list.contains(&attributes.serial);
        let strict = |(index, list): &(CrlIndex, &RevocationList)| {
            list.next_update.filter(|_| list.strict).map(|moment| (moment, *index))
        };
        let mut contents = Self {
            by_key: find(policy, &key),
            validity: attributes.validity,
            relay_by_key: relays(policy).is_some_and(|relays| relays.are(&key)),
            revoked_by: lists.iter().find(has_serial).map(|(index, _)| *index),
            unknown_from: lists.iter().filter_map(strict).min_by_key(|(moment, _)| *moment),
            unreadable_to_registry: false,
            unreadable_to_rules: false,
            removed: false,
            names: None,
            values: values(der, &attributes, policy),
        };
        let names = CertificateNames::of(&attributes);
        contents.unreadable_to_registry = unreadable(&attributes, &names, policy.registry.shapes());
        contents.unreadable_to_rules = unreadable(&attributes, &names, policy.rules.shapes());
        let removed = &policy.removed;
        contents.removed = removed.has(&key) || names.any(removed.shapes(), &mut |identifier| removed.has(identifier));
        if !names_matter(&names, policy) {
            contents.names = Some(Names::default());
        } else if compare(&contents)? {
            contents.names = Some(Names::of(&names, policy));
        }
        Ok(contents)
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

    /// Whether one of the names meets this condition.
    pub(in crate::engine) fn meet(&self, ConditionIndex(index): ConditionIndex) -> bool {
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

/// Whether these shapes compare names of a kind that cannot be read, or more names than are compared.
#[inline(never)]
fn unreadable(attributes: &CertificateContents, names: &CertificateNames<'_>, shapes: &[Shape]) -> bool {
    shapes.iter().any(|shape| attributes.has_unreadable(shape.kind)) || names.cost(shapes) > MOST_COST
}

fn values(der: &[u8], attributes: &CertificateContents, policy: &Policy) -> Values {
    let names = &policy.headers;
    Values {
        subject: names.subject.as_ref().and_then(|_| attributes.subject.to_header()),
        spiffe_id: names.spiffe_id.as_ref().and_then(|_| attributes.spiffe_id().map(str::to_owned)),
        not_after: names.not_after.as_ref().map(|_| calendar::rfc3339(attributes.validity.not_after).to_string()),
        // A structured-field byte sequence (RFC 9440 section 2.1).
        client_cert: names.client_cert.then(|| [":", &BASE64.encode(der), ":"].concat()),
    }
}
