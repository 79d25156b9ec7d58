//! Builds a [`ClientTable`] entry by entry, and finds duplicates.

use super::client::{Client, ClientIndex, Profile, ProfileIndex};
use super::credential::{Credential, CredentialIndex, Identifier, Kind, Shape};
use super::fingerprint::LENGTH;
use super::name::Name;
use super::slots::{digest_hash, index, number, text_hash};
use super::table::ClientTable;
use super::table_layout::{
    BOUNDED, CLIENT_BITS, ClientEntry, CredentialEntry, DISABLED, Header, KIND, MAGIC, REVOKED, ShapeEntry,
    ValidityEntry,
};
use super::time::Validity;
use zerocopy::IntoBytes;
use zerocopy::little_endian::U32;

/// A table that is being built.
#[derive(Default)]
pub struct Builder {
    clients: Vec<ClientEntry>,
    credentials: Vec<CredentialEntry>,
    dates: Vec<ValidityEntry>,
    windows: Vec<ValidityEntry>,
    shapes: Vec<ShapeEntry>,
    profiles: String,
    aliases: Vec<u8>,
}

impl Default for ClientTable {
    /// A table without clients.
    fn default() -> Self {
        Builder::default().finish()
    }
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
        self.clients.push(ClientEntry { alias_end: number(self.aliases.len()).into(), profile: profile.into() });
    }

    /// Adds a credential, with the validity period of its certificate if known, and its window if it has one.
    pub fn push_credential(
        &mut self,
        credential: &Credential,
        digest: &[u8; LENGTH],
        dates: Option<Validity>,
        window: Option<Validity>,
    ) {
        let index = self.credentials.len();
        self.dates.extend(dates.map(|validity| ValidityEntry::new(index, validity)));
        self.windows.extend(window.map(|validity| ValidityEntry::new(index, validity)));
        let client = number(credential.client.0)
            | number(credential.kind.place()).wrapping_shl(KIND)
            | if credential.revoked { REVOKED } else { 0 }
            | if window.is_some() { BOUNDED } else { 0 };
        self.credentials.push(CredentialEntry { digest: *digest, client: client.into() });
    }

    /// Adds a shape. Shapes must come by kind, the most specific first.
    pub fn push_shape(&mut self, shape: Shape) {
        self.shapes.push(ShapeEntry::new(shape));
    }

    /// Adds a profile.
    pub fn push_profile(&mut self, profile: &Profile) {
        let names = |names: &[Name]| names.iter().map(Name::as_str).collect::<Vec<_>>().join(",");
        let (groups, scopes) = (names(&profile.groups), names(&profile.scopes));
        self.profiles.push_str(&format!("{} {groups} {scopes}\n", profile.tier.0));
    }

    /// The client of the credential at this index.
    pub fn holder(&self, CredentialIndex(index): CredentialIndex) -> Option<ClientIndex> {
        let client = self.credentials.get(index)?.client.get() & CLIENT_BITS;
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
            Some((ClientIndex(index), ProfileIndex(usize::try_from(client.profile.get() & !DISABLED).ok()?)))
        })
    }

    /// The alias of the client at this index.
    pub fn alias(&self, ClientIndex(index): ClientIndex) -> Option<&str> {
        let end = |index: usize| usize::try_from(self.clients.get(index)?.alias_end.get()).ok();
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
        let count = |count: usize| U32::new(number(count));
        let header = Header {
            magic: MAGIC,
            clients: count(self.clients.len()),
            credentials: count(self.credentials.len()),
            dates: count(self.dates.len()),
            windows: count(self.windows.len()),
            shapes: count(self.shapes.len()),
            profiles: count(self.profiles.len()),
            aliases: count(self.aliases.len()),
        };
        let sections: [&[u8]; 8] = [
            self.clients.as_bytes(),
            self.credentials.as_bytes(),
            slots.as_bytes(),
            self.dates.as_bytes(),
            self.windows.as_bytes(),
            self.shapes.as_bytes(),
            self.profiles.as_bytes(),
            &self.aliases,
        ];
        let bytes = [&[header.as_bytes()], sections.as_slice()].concat().concat();
        let mut end = size_of::<Header>();
        let [clients, credentials, slots, dates, windows, shapes, profiles, aliases] = sections.map(|section| {
            let start = end;
            end = start.saturating_add(section.len());
            start..end
        });
        ClientTable { bytes, clients, credentials, slots, dates, windows, shapes, profiles, aliases }
    }

    fn index(&self) -> (Vec<U32>, Vec<(usize, usize)>) {
        let hash = |index: usize| self.credentials.get(index).map_or(0, |entry| digest_hash(&entry.digest));
        index(self.credentials.len(), hash, |one, other| self.identifier(one) == self.identifier(other))
    }

    /// The identifier of a credential: its digest, and the index of its kind.
    fn identifier(&self, index: usize) -> Option<([u8; LENGTH], u32)> {
        let entry = self.credentials.get(index)?;
        Some((entry.digest, entry.client.get() & !(REVOKED | BOUNDED | CLIENT_BITS)))
    }
}
