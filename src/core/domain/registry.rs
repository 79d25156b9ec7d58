//! The registry: clients, found by the identifiers of their credentials.

use super::client::{Client, ClientIndex, Profile, Tier, TierIndex};
use super::credential::{Credential, CredentialIndex, Identifier, Shape};
use super::table::ClientTable;

/// The tiers, clients and credentials of one configuration.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    tiers: Vec<Tier>,
    profiles: Vec<Profile>,
    shapes: Vec<Shape>,
    clients: ClientTable,
}

/// A credential with its client.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The index of the credential.
    pub credential_index: CredentialIndex,
    /// The credential.
    pub credential: Credential,
    /// The client of the credential.
    pub client: Client<'a>,
    /// The tier, groups and scopes of the client.
    pub profile: &'a Profile,
}

impl Registry {
    /// The registry of these tiers and clients. A client whose profile or tier does not exist is unknown;
    /// [`crate::config`] refuses such clients.
    pub fn new(tiers: Vec<Tier>, clients: ClientTable) -> Self {
        // Profiles after one with an unknown tier are dropped too: indices must not shift.
        let profiles = clients.profiles().take_while(|profile| profile.tier.0 < tiers.len()).collect();
        let shapes = clients.shapes().collect();
        Self { tiers, profiles, shapes, clients }
    }

    /// The credential with this identifier.
    pub fn find(&self, identifier: &Identifier) -> Option<Entry<'_>> {
        let (credential_index, credential) = self.clients.find(identifier)?;
        self.entry(credential_index, credential)
    }

    /// The credential at this index.
    pub fn at(&self, index: CredentialIndex) -> Option<Entry<'_>> {
        self.entry(index, self.clients.credential(index)?)
    }

    fn entry(&self, credential_index: CredentialIndex, credential: Credential) -> Option<Entry<'_>> {
        let client = self.clients.client(credential.client)?;
        let profile = self.profiles.get(client.profile.0)?;
        Some(Entry { credential_index, credential, client, profile })
    }

    /// The shapes in which names are compared.
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// The profiles of clients.
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// The tiers, in ascending order of their names.
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// The tier at this index.
    pub fn tier(&self, TierIndex(index): TierIndex) -> Option<&Tier> {
        self.tiers.get(index)
    }

    /// The client at this index.
    pub fn client(&self, index: ClientIndex) -> Option<Client<'_>> {
        self.clients.client(index)
    }

    /// The clients and credentials.
    pub fn clients(&self) -> &ClientTable {
        &self.clients
    }
}
