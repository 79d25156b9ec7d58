//! All clients, found by what identifies them.

use super::client::{Client, ClientIndex, Credential, CredentialIndex, Tier, TierIndex};
use super::fingerprint::Fingerprint;
use super::table::ClientTable;

/// The tiers, clients and credentials of one configuration. Every index in it leads somewhere.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    tiers: Vec<Tier>,
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
    /// That client's tier.
    pub tier: &'a Tier,
}

impl Registry {
    /// The registry of these; an index that leads nowhere makes its entry unknown, which [`crate::config`] refuses before
    /// it comes here.
    pub fn new(tiers: Vec<Tier>, clients: ClientTable) -> Self {
        Self { tiers, clients }
    }

    /// Whose certificate has this fingerprint.
    pub fn find(&self, fingerprint: &Fingerprint) -> Option<Entry<'_>> {
        let (credential_index, credential) = self.clients.find(fingerprint)?;
        let client = self.clients.client(credential.client)?;
        Some(Entry { credential_index, credential, client, tier: self.tier(client.tier)? })
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
