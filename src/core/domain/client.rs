//! A client, its tier and its profile.

use super::limit::Limit;
use super::name::Name;
use std::sync::Arc;

/// The index of a tier in [`super::registry::Registry::tiers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TierIndex(pub usize);

/// The index of a profile in [`super::registry::Registry::profiles`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileIndex(pub usize);

/// The index of a client in [`super::table::ClientTable::clients`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientIndex(pub usize);

/// A tier: the limits of its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    /// The name, unique in the registry.
    pub name: Name,
    /// The limits, all of which apply to each request. Without any, requests are unlimited.
    pub limits: Arc<[Limit]>,
}

/// The tier, groups and scopes of a client. Many clients share a profile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Profile {
    /// The tier.
    pub tier: TierIndex,
    /// The groups, in ascending order.
    pub groups: Vec<Name>,
    /// The granted scopes, in ascending order.
    pub scopes: Vec<Name>,
}

/// A client: the name by which upstreams and metrics know the holder of any of its credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client<'a> {
    /// The alias, unique in the registry; see [`Name`].
    pub alias: &'a str,
    /// The tier, groups and scopes.
    pub profile: ProfileIndex,
    /// Whether its requests are admitted at all.
    pub enabled: bool,
}
