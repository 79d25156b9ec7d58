//! Fills a [`ClientTable`], entry by entry, and finds what stands in it twice.

use super::client::{Client, ClientIndex, Credential, CredentialIndex, TierIndex};
use super::fingerprint::{Fingerprint, LENGTH};
use super::slots::{fingerprint_hash, index, number, text_hash};
use super::table::{CLIENT, CREDENTIAL, ClientTable, DATES, DISABLED, HEADER, MAGIC, REVOKED, halves};
use super::time::Validity;

/// A table that is being filled.
#[derive(Default)]
pub struct Builder {
    clients: Vec<[u8; CLIENT]>,
    credentials: Vec<[u8; CREDENTIAL]>,
    dates: Vec<[u8; DATES]>,
    aliases: Vec<u8>,
}

impl Builder {
    /// How many clients are in it.
    pub fn client_count(&self) -> usize {
        self.clients.len()
    }

    /// Adds a client.
    pub fn push_client(&mut self, client: &Client<'_>) {
        self.aliases.extend(client.alias.as_bytes());
        let tier = number(client.tier.0) | if client.enabled { 0 } else { DISABLED };
        self.clients.push(join(&number(self.aliases.len()).to_le_bytes(), &tier.to_le_bytes()));
    }

    /// Adds a credential, with its certificate's dates where they are known.
    pub fn push_credential(&mut self, credential: &Credential, validity: Option<Validity>) {
        if let Some(Validity { not_before, not_after }) = validity {
            let index = number(self.credentials.len()).to_le_bytes();
            let dates = [not_before.0, not_after.0].map(i64::to_le_bytes);
            self.dates.push(join(&index, dates.as_flattened()));
        }
        let client = number(credential.client.0) | if credential.revoked { REVOKED } else { 0 };
        self.credentials.push(join(credential.fingerprint.as_bytes(), &client.to_le_bytes()));
    }

    /// Gives each client the tier that `resolve` says for the one it has; `false` if it says none for one of them.
    pub fn resolve_tiers(&mut self, mut resolve: impl FnMut(ClientIndex, TierIndex) -> Option<TierIndex>) -> bool {
        let mut resolved = true;
        for (index, client) in self.clients.iter_mut().enumerate() {
            let [alias, tier] = halves(client);
            let old = TierIndex(usize::try_from(tier & !DISABLED).unwrap_or(usize::MAX));
            match resolve(ClientIndex(index), old) {
                Some(new) => {
                    *client = join(&alias.to_le_bytes(), &(number(new.0) | (tier & DISABLED)).to_le_bytes());
                }
                None => resolved = false,
            }
        }
        resolved
    }

    /// The credential at this place.
    pub fn credential(&self, CredentialIndex(index): CredentialIndex) -> Option<(Fingerprint, ClientIndex)> {
        let (fingerprint, client) = self.credentials.get(index)?.split_first_chunk::<LENGTH>()?;
        let client = u32::from_le_bytes(*client.first_chunk()?) & !REVOKED;
        Some((Fingerprint::new(*fingerprint), ClientIndex(usize::try_from(client).ok()?)))
    }

    /// The alias of the client at this place.
    pub fn alias(&self, ClientIndex(index): ClientIndex) -> Option<&str> {
        let end = |index: usize| usize::try_from(halves(self.clients.get(index)?)[0]).ok();
        let start = index.checked_sub(1).map_or(Some(0), end)?;
        str::from_utf8(self.aliases.get(start..end(index)?)?).ok()
    }

    /// Clients that have the alias of an earlier one, each with the first. Those without one are not among them.
    pub fn taken_aliases(&self) -> Vec<(ClientIndex, ClientIndex)> {
        let alias = |index| self.alias(ClientIndex(index)).unwrap_or_default();
        // Those without an alias are never the same, and would all begin at one place.
        let hash = |index| match alias(index) {
            "" => number(index).wrapping_mul(0x9e37_79b9),
            alias => text_hash(alias),
        };
        let same = |one, other| !alias(one).is_empty() && alias(one) == alias(other);
        let (_, taken) = index(self.clients.len(), hash, same);
        taken.into_iter().map(|(later, first)| (ClientIndex(later), ClientIndex(first))).collect()
    }

    /// Credentials that have the fingerprint of an earlier one, each with the first.
    pub fn taken_certificates(&self) -> Vec<(CredentialIndex, CredentialIndex)> {
        let (_, taken) = self.index();
        taken.into_iter().map(|(later, first)| (CredentialIndex(later), CredentialIndex(first))).collect()
    }

    /// The table. Of several credentials with one fingerprint, the first is found.
    pub fn finish(self) -> ClientTable {
        let (slots, _) = self.index();
        let counts = [self.clients.len(), self.credentials.len(), self.dates.len(), self.aliases.len()];
        let counts = counts.map(|count| number(count).to_le_bytes());
        let sections: [&[u8]; 7] = [
            &MAGIC,
            counts.as_flattened(),
            self.clients.as_flattened(),
            self.credentials.as_flattened(),
            slots.as_flattened(),
            self.dates.as_flattened(),
            &self.aliases,
        ];
        let mut end = HEADER;
        let [clients, credentials, slots, dates, aliases] = [2, 3, 4, 5, 6].map(|section: usize| {
            let start = end;
            end = start.saturating_add(sections.get(section).map_or(0, |bytes| bytes.len()));
            start..end
        });
        ClientTable { bytes: sections.concat(), clients, credentials, slots, dates, aliases }
    }

    fn index(&self) -> (Vec<[u8; 4]>, Vec<(usize, usize)>) {
        let fingerprint = |index: usize| self.credentials.get(index).and_then(|bytes| bytes.first_chunk::<LENGTH>());
        let hash = |index| fingerprint(index).map_or(0, |bytes| fingerprint_hash(&Fingerprint::new(*bytes)));
        index(self.credentials.len(), hash, |one, other| fingerprint(one) == fingerprint(other))
    }
}

/// One after the other.
fn join<const N: usize>(first: &[u8], second: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(first.iter().chain(second)).for_each(|(to, from)| *to = *from);
    bytes
}
