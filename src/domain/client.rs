//! Who calls: a client, its tier, and the credentials that identify it.

use super::fingerprint::Fingerprint;
use super::limit::Limit;
use super::name::Name;

/// Where a tier stands in [`super::registry::Registry::tiers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TierIndex(pub usize);

/// Where a client stands in [`super::table::ClientTable::clients`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientIndex(pub usize);

/// Where a credential stands in [`super::table::ClientTable::credentials`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialIndex(pub usize);

/// How much its clients may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Its name.
    pub name: Name,
    /// Its limits; all of them apply to each request. None: unlimited.
    pub limits: Vec<Limit>,
}

/// A client: what an upstream and a metric call the holder of any of its credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client<'a> {
    /// Its name, unique in the registry; see [`Name`].
    pub alias: &'a str,
    /// Its tier.
    pub tier: TierIndex,
    /// Whether it may call at all.
    pub enabled: bool,
}

/// A certificate that identifies a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Whose it is.
    pub client: ClientIndex,
    /// The certificate's fingerprint.
    pub fingerprint: Fingerprint,
    /// Whether the operator has revoked it.
    pub revoked: bool,
}
