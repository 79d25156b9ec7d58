//! All clients, found by what identifies them.

use super::client::{Client, ClientIndex, Credential, CredentialIndex, Tier, TierIndex};
use super::fingerprint::{BuildFirstBytes, Fingerprint};
use std::collections::HashMap;

/// The tiers, clients and credentials of one configuration. Every index in it leads somewhere.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    tiers: Vec<Tier>,
    clients: Vec<Client>,
    credentials: Vec<Credential>,
    by_fingerprint: HashMap<Fingerprint, CredentialIndex, BuildFirstBytes>,
}

/// A credential together with whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Where the credential stands.
    pub credential_index: CredentialIndex,
    /// The credential.
    pub credential: &'a Credential,
    /// Where its client stands.
    pub client_index: ClientIndex,
    /// Its client.
    pub client: &'a Client,
    /// Where that client's tier stands.
    pub tier_index: TierIndex,
    /// That client's tier.
    pub tier: &'a Tier,
}

impl Registry {
    /// The registry of these; of two credentials with one fingerprint the first counts, and an index that leads nowhere
    /// makes its entry unknown. [`crate::config`] refuses both before they come here.
    pub fn new(tiers: Vec<Tier>, clients: Vec<Client>, credentials: Vec<Credential>) -> Self {
        let mut by_fingerprint = HashMap::with_capacity_and_hasher(credentials.len(), BuildFirstBytes::default());
        for (index, credential) in credentials.iter().enumerate() {
            by_fingerprint.entry(credential.fingerprint).or_insert(CredentialIndex(index));
        }
        Self { tiers, clients, credentials, by_fingerprint }
    }

    /// Whose certificate has this fingerprint.
    pub fn find(&self, fingerprint: &Fingerprint) -> Option<Entry<'_>> {
        let credential_index = *self.by_fingerprint.get(fingerprint)?;
        let credential = self.credentials.get(credential_index.0)?;
        let client_index = credential.client;
        let client = self.clients.get(client_index.0)?;
        let tier_index = client.tier;
        let tier = self.tiers.get(tier_index.0)?;
        Some(Entry { credential_index, credential, client_index, client, tier_index, tier })
    }

    /// The tiers, by name in ascending order.
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// The clients, in the order of the configuration.
    pub fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// The credentials, in the order of the configuration.
    pub fn credentials(&self) -> &[Credential] {
        &self.credentials
    }
}
