//! Builds a [`ClientTable`] entry by entry, and finds duplicates.

use super::client::{Client, ClientIndex, Profile, ProfileIndex};
use super::credential::{Credential, CredentialIndex, Identifier, Kind, Shape};
use super::fingerprint::LENGTH;
use super::name::Name;
use super::slots::{digest_hash, index, number, text_hash};
use super::table::{
    BOUNDED, CLIENT, CLIENT_BITS, CREDENTIAL, ClientTable, DATES, DISABLED, HEADER, KIND, MAGIC, REVOKED, SHAPE, halves,
};
use super::time::Validity;

/// A table that is being built.
#[derive(Default)]
pub struct Builder {
    clients: Vec<[u8; CLIENT]>,
    credentials: Vec<[u8; CREDENTIAL]>,
    dates: Vec<[u8; DATES]>,
    windows: Vec<[u8; DATES]>,
    shapes: Vec<[u8; SHAPE]>,
    profiles: String,
    aliases: Vec<u8>,
}

impl Builder {
    /// The number of clients so far.
    pub fn client_count(&self) -> usize {
        self.clients.len()
    }

    /// Adds a client.
    pub fn push_client(&mut self, client: &Client<'_>) {
        self.aliases.extend(client.alias.as_bytes());
        let profile = number(client.profile.0) | if client.enabled { 0 } else { DISABLED };
        self.clients.push(join(&number(self.aliases.len()).to_le_bytes(), &profile.to_le_bytes()));
    }

    /// Adds a credential, with the validity period of its certificate if known, and its window if it has one.
    pub fn push_credential(
        &mut self,
        credential: &Credential,
        digest: &[u8; LENGTH],
        dates: Option<Validity>,
        window: Option<Validity>,
    ) {
        let index = number(self.credentials.len()).to_le_bytes();
        for (moments, section) in [(dates, &mut self.dates), (window, &mut self.windows)] {
            if let Some(Validity { not_before, not_after }) = moments {
                section.push(join(&index, [not_before.0, not_after.0].map(i64::to_le_bytes).as_flattened()));
            }
        }
        let client = number(credential.client.0)
            | number(credential.kind.place()).wrapping_shl(KIND)
            | if credential.revoked { REVOKED } else { 0 }
            | if window.is_some() { BOUNDED } else { 0 };
        self.credentials.push(join(digest, &client.to_le_bytes()));
    }

    /// Adds a shape. Shapes must come by kind, the most specific first.
    pub fn push_shape(&mut self, shape: Shape) {
        let kind = u8::try_from(shape.kind.place()).unwrap_or(u8::MAX);
        self.shapes.push(join(&[kind, shape.parts, 0, 0], &shape.mask.to_le_bytes()));
    }

    /// Adds a profile.
    pub fn push_profile(&mut self, profile: &Profile) {
        let names = |names: &[Name]| names.iter().map(Name::as_str).collect::<Vec<_>>().join(",");
        let (groups, scopes) = (names(&profile.groups), names(&profile.scopes));
        self.profiles.push_str(&format!("{} {groups} {scopes}\n", profile.tier.0));
    }

    /// The client of the credential at this index.
    pub fn holder(&self, CredentialIndex(index): CredentialIndex) -> Option<ClientIndex> {
        let client = u32::from_le_bytes(*self.credentials.get(index)?.last_chunk()?) & CLIENT_BITS;
        Some(ClientIndex(usize::try_from(client).ok()?))
    }

    /// The identifier of the credential at this index.
    pub fn identifier_at(&self, CredentialIndex(index): CredentialIndex) -> Option<Identifier> {
        let (digest, kind) = self.identifier(index)?;
        let kind = *Kind::ALL.get(usize::try_from(kind.wrapping_shr(KIND)).ok()?)?;
        Some(Identifier { kind, digest })
    }

    /// The clients with their profiles.
    pub fn client_profiles(&self) -> impl Iterator<Item = (ClientIndex, ProfileIndex)> {
        self.clients.iter().enumerate().filter_map(|(index, client)| {
            let [_, profile] = halves(client);
            Some((ClientIndex(index), ProfileIndex(usize::try_from(profile & !DISABLED).ok()?)))
        })
    }

    /// The alias of the client at this index.
    pub fn alias(&self, ClientIndex(index): ClientIndex) -> Option<&str> {
        let end = |index: usize| usize::try_from(halves(self.clients.get(index)?)[0]).ok();
        let start = index.checked_sub(1).map_or(Some(0), end)?;
        str::from_utf8(self.aliases.get(start..end(index)?)?).ok()
    }

    /// Clients with the alias of an earlier client, each with the first one that has it. Clients without an alias are
    /// left out.
    pub fn duplicate_aliases(&self) -> Vec<(ClientIndex, ClientIndex)> {
        let alias = |index| self.alias(ClientIndex(index)).unwrap_or_default();
        // Clients without an alias are never equal. Hashes of their indices spread them over the table.
        let hash = |index| match alias(index) {
            "" => number(index).wrapping_mul(0x9e37_79b9),
            alias => text_hash(alias),
        };
        let same = |one, other| !alias(one).is_empty() && alias(one) == alias(other);
        let (_, duplicates) = index(self.clients.len(), hash, same);
        duplicates.into_iter().map(|(later, first)| (ClientIndex(later), ClientIndex(first))).collect()
    }

    /// Credentials with the identifier of an earlier credential, each with the first one that has it.
    pub fn duplicate_identifiers(&self) -> Vec<(CredentialIndex, CredentialIndex)> {
        let (_, duplicates) = self.index();
        duplicates.into_iter().map(|(later, first)| (CredentialIndex(later), CredentialIndex(first))).collect()
    }

    /// The table. Of credentials with the same identifier the first is found.
    pub fn finish(self) -> ClientTable {
        let (slots, _) = self.index();
        let counts = [self.clients.len(), self.credentials.len(), self.dates.len(), self.windows.len()];
        let bytes = [self.shapes.len(), self.profiles.len(), self.aliases.len()];
        let counts: Vec<_> = counts.iter().chain(&bytes).map(|count| number(*count).to_le_bytes()).collect();
        let sections: [&[u8]; 10] = [
            &MAGIC,
            counts.as_flattened(),
            self.clients.as_flattened(),
            self.credentials.as_flattened(),
            slots.as_flattened(),
            self.dates.as_flattened(),
            self.windows.as_flattened(),
            self.shapes.as_flattened(),
            self.profiles.as_bytes(),
            &self.aliases,
        ];
        let mut end = HEADER;
        let [clients, credentials, slots, dates, windows, shapes, profiles, aliases] =
            [2, 3, 4, 5, 6, 7, 8, 9].map(|section: usize| {
                let start = end;
                end = start.saturating_add(sections.get(section).map_or(0, |bytes| bytes.len()));
                start..end
            });
        let bytes = sections.concat();
        ClientTable { bytes, clients, credentials, slots, dates, windows, shapes, profiles, aliases }
    }

    fn index(&self) -> (Vec<[u8; 4]>, Vec<(usize, usize)>) {
        let hash =
            |index: usize| self.credentials.get(index).and_then(|bytes| bytes.first_chunk()).map_or(0, digest_hash);
        index(self.credentials.len(), hash, |one, other| self.identifier(one) == self.identifier(other))
    }

    /// The identifier of a credential: its digest, and the index of its kind.
    fn identifier(&self, index: usize) -> Option<([u8; LENGTH], u32)> {
        let bytes = self.credentials.get(index)?;
        let kind = u32::from_le_bytes(*bytes.last_chunk()?) & !(REVOKED | BOUNDED | CLIENT_BITS);
        Some((*bytes.first_chunk()?, kind))
    }
}

/// Two byte strings, one after the other.
fn join<const N: usize>(first: &[u8], second: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(first.iter().chain(second)).for_each(|(to, from)| *to = *from);
    bytes
}
