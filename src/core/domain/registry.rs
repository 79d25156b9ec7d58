//! All clients, found by what identifies them.

use super::client::{Client, ClientIndex, Profile, Tier, TierIndex};
use super::credential::{Credential, CredentialIndex, Identifier, Shape};
use super::table::ClientTable;

/// The tiers, clients and credentials of one configuration. Every index in it leads somewhere.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    tiers: Vec<Tier>,
    profiles: Vec<Profile>,
    shapes: Vec<Shape>,
    clients: ClientTable,
}

/// A credential together with whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Where the credential stands.
    pub credential_index: CredentialIndex,
    /// The credential.
    pub credential: Credential,
    /// Its client.
    pub client: Client<'a>,
    /// That client's tier, groups and scopes.
    pub profile: &'a Profile,
}

impl Registry {
    /// The registry of these; an index that leads nowhere makes its entry unknown, which [`crate::config`] refuses before
    /// it comes here.
    pub fn new(tiers: Vec<Tier>, clients: ClientTable) -> Self {
        // What leads nowhere is nobody's.
        let profiles = clients.profiles().take_while(|profile| profile.tier.0 < tiers.len()).collect();
        let shapes = clients.shapes().collect();
        Self { tiers, profiles, shapes, clients }
    }

    /// Whose credential asks for this.
    pub fn find(&self, identifier: &Identifier) -> Option<Entry<'_>> {
        let (credential_index, credential) = self.clients.find(identifier)?;
        self.entry(credential_index, credential)
    }

    /// Whose credential stands at this place.
    pub fn at(&self, index: CredentialIndex) -> Option<Entry<'_>> {
        self.entry(index, self.clients.credential(index)?)
    }

    fn entry(&self, credential_index: CredentialIndex, credential: Credential) -> Option<Entry<'_>> {
        let client = self.clients.client(credential.client)?;
        let profile = self.profiles.get(client.profile.0)?;
        Some(Entry { credential_index, credential, client, profile })
    }

    /// The ways in which names are matched.
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// What clients have in common.
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// The tiers, by name in ascending order.
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// The tier at this place.
    pub fn tier(&self, TierIndex(index): TierIndex) -> Option<&Tier> {
        self.tiers.get(index)
    }

    /// The client at this place.
    pub fn client(&self, index: ClientIndex) -> Option<Client<'_>> {
        self.clients.client(index)
    }

    /// The clients and credentials.
    pub fn clients(&self) -> &ClientTable {
        &self.clients
    }
}
