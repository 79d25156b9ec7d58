//! Who calls: a client, its tier, and what it belongs to.

use super::limit::Limit;
use super::name::Name;
use std::sync::Arc;

/// Where a tier stands in [`super::registry::Registry::tiers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TierIndex(pub usize);

/// Where a profile stands in [`super::registry::Registry::profiles`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileIndex(pub usize);

/// Where a client stands in [`super::table::ClientTable::clients`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientIndex(pub usize);

/// How much its clients may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Its name.
    pub name: Name,
    /// Its limits; all of them apply to each request. None: unlimited.
    pub limits: Arc<[Limit]>,
}

/// What many clients have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Profile {
    /// Their tier.
    pub tier: TierIndex,
    /// The groups that they belong to, in ascending order.
    pub groups: Vec<Name>,
    /// The scopes that they are granted, in ascending order.
    pub scopes: Vec<Name>,
}

/// A client: what an upstream and a metric call the holder of any of its credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client<'a> {
    /// Its name, unique in the registry; see [`Name`].
    pub alias: &'a str,
    /// Its tier, groups and scopes.
    pub profile: ProfileIndex,
    /// Whether it may call at all.
    pub enabled: bool,
}
