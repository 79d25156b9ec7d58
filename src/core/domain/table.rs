//! All clients and their credentials in one block of bytes: a hundred thousand of them are one allocation, and are used
//! without being parsed first.
//!
//! The sections, one after the other, are: the header, clients, credentials, a hash table of the digests (see
//! [`super::slots`]), the validity periods of known certificates, the windows of bounded credentials, shapes (by kind, the
//! most specific first), profiles (a line each: the tier's index, groups, scopes: `3 finance,ops read`), and the aliases.
//! [`super::table_layout`] has the layouts of their entries.
//!
//! An index out of range finds nothing: no bytes make this panic.

use super::client::{Client, ClientIndex, Profile, ProfileIndex, TierIndex};
use super::credential::{Credential, CredentialIndex, Identifier, Kind, Shape};
use super::name::Name;
use super::slots::{digest_hash, place, probe, slots_for};
use super::table_layout::{
    BOUNDED, CLIENT_BITS, ClientEntry, CredentialEntry, DISABLED, Header, KIND, MAGIC, REVOKED, ShapeEntry,
    ValidityEntry,
};
use super::time::Validity;
use std::ops::Range;
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, transmute, transmute_ref};

const CLIENT: usize = size_of::<ClientEntry>();
const CREDENTIAL: usize = size_of::<CredentialEntry>();
const VALIDITY: usize = size_of::<ValidityEntry>();
const SHAPE: usize = size_of::<ShapeEntry>();

/// The clients and credentials of one configuration.
#[derive(Clone, Debug)]
pub struct ClientTable {
    pub(super) bytes: Vec<u8>,
    pub(super) clients: Range<usize>,
    pub(super) credentials: Range<usize>,
    pub(super) slots: Range<usize>,
    pub(super) dates: Range<usize>,
    pub(super) windows: Range<usize>,
    pub(super) shapes: Range<usize>,
    pub(super) profiles: Range<usize>,
    pub(super) aliases: Range<usize>,
}

impl ClientTable {
    /// The table whose [`Self::as_bytes`] these are; `None` if they are not a table's.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let (header, _) = Header::ref_from_prefix(&bytes).ok()?;
        if header.magic != MAGIC {
            return None;
        }
        let count = |count: U32| usize::try_from(count.get()).ok();
        let (clients, credentials) = (count(header.clients)?, count(header.credentials)?);
        let (dates, windows, shapes) = (count(header.dates)?, count(header.windows)?, count(header.shapes)?);
        let (profiles, aliases) = (count(header.profiles)?, count(header.aliases)?);
        let mut end = size_of::<Header>();
        let mut section = |length: usize| {
            let start = end;
            end = start.checked_add(length)?;
            Some(start..end)
        };
        let clients = section(clients.checked_mul(CLIENT)?)?;
        let slots = slots_for(credentials).checked_mul(size_of::<U32>())?;
        let credentials = section(credentials.checked_mul(CREDENTIAL)?)?;
        let slots = section(slots)?;
        let dates = section(dates.checked_mul(VALIDITY)?)?;
        let windows = section(windows.checked_mul(VALIDITY)?)?;
        let shapes = section(shapes.checked_mul(SHAPE)?)?;
        let (profiles, aliases) = (section(profiles)?, section(aliases)?);
        let whole = aliases.end == bytes.len();
        whole.then_some(Self { bytes, clients, credentials, slots, dates, windows, shapes, profiles, aliases })
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The credential with this identifier.
    pub fn find(&self, identifier: &Identifier) -> Option<(CredentialIndex, Credential)> {
        let slots = self.chunks(&self.slots);
        let credentials = self.chunks::<CREDENTIAL>(&self.credentials);
        probe(digest_hash(&identifier.digest), slots.len())
            .map_while(|slot| slots.get(slot).and_then(|slot| place(U32::from_bytes(*slot))))
            .find_map(|place| {
                let entry: &CredentialEntry = transmute_ref!(credentials.get(place)?);
                let found = credential(entry).filter(|found| found.kind == identifier.kind)?;
                (entry.digest == identifier.digest).then_some((CredentialIndex(place), found))
            })
    }

    /// The number of clients.
    pub fn client_count(&self) -> usize {
        self.chunks::<CLIENT>(&self.clients).len()
    }

    /// The number of credentials.
    pub fn credential_count(&self) -> usize {
        self.chunks::<CREDENTIAL>(&self.credentials).len()
    }

    /// The client at this index.
    pub fn client(&self, ClientIndex(index): ClientIndex) -> Option<Client<'_>> {
        let client = |index: usize| -> Option<&ClientEntry> {
            Some(transmute_ref!(self.chunks::<CLIENT>(&self.clients).get(index)?))
        };
        let ClientEntry { alias_end, profile } = client(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => client(before)?.alias_end.get(),
            None => 0,
        };
        let (start, end) = (usize::try_from(start).ok()?, usize::try_from(alias_end.get()).ok()?);
        let alias = str::from_utf8(self.section(&self.aliases).get(start..end)?).ok()?;
        let index = ProfileIndex(usize::try_from(profile.get() & !DISABLED).ok()?);
        Some(Client { alias, profile: index, enabled: profile.get() & DISABLED == 0 })
    }

    /// The credential at this index.
    pub fn credential(&self, CredentialIndex(index): CredentialIndex) -> Option<Credential> {
        credential(transmute_ref!(self.chunks::<CREDENTIAL>(&self.credentials).get(index)?))
    }

    /// The identifier of the credential at this index.
    pub fn identifier(&self, CredentialIndex(index): CredentialIndex) -> Option<Identifier> {
        let entry: &CredentialEntry = transmute_ref!(self.chunks::<CREDENTIAL>(&self.credentials).get(index)?);
        Some(Identifier { kind: credential(entry)?.kind, digest: entry.digest })
    }

    /// The clients, in the order of the configuration.
    pub fn clients(&self) -> impl Iterator<Item = Client<'_>> {
        (0..self.client_count()).filter_map(|index| self.client(ClientIndex(index)))
    }

    /// The credentials, in the order of the configuration.
    pub fn credentials(&self) -> impl Iterator<Item = Credential> {
        (0..self.credential_count()).filter_map(|index| self.credential(CredentialIndex(index)))
    }

    /// The validity periods of the certificates that the configuration holds, by credential.
    pub fn dates(&self) -> impl Iterator<Item = (CredentialIndex, Validity)> {
        self.validities(&self.dates)
    }

    /// `not_before` and `not_after` of credentials that are [bounded](Credential::bounded), by credential.
    pub fn windows(&self) -> impl Iterator<Item = (CredentialIndex, Validity)> {
        self.validities(&self.windows)
    }

    /// `not_before` and `not_after` of this credential, if it is [bounded](Credential::bounded).
    pub fn window(&self, index: CredentialIndex) -> Option<Validity> {
        let windows = self.chunks(&self.windows);
        let entry = |bytes: &[u8; VALIDITY]| -> ValidityEntry { transmute!(*bytes) };
        let place = windows.binary_search_by_key(&Some(index.0), |bytes| Some(entry(bytes).credential()?.0)).ok()?;
        Some(entry(windows.get(place)?).validity())
    }

    /// The shapes in which names are compared: by kind, the most specific first.
    pub fn shapes(&self) -> impl Iterator<Item = Shape> {
        self.chunks::<SHAPE>(&self.shapes).iter().filter_map(|bytes| {
            let entry: &ShapeEntry = transmute_ref!(bytes);
            entry.shape()
        })
    }

    /// The profiles of clients.
    pub fn profiles(&self) -> impl Iterator<Item = Profile> {
        let lines = str::from_utf8(self.section(&self.profiles)).unwrap_or_default().lines();
        lines.map_while(|line| {
            let (tier, names) = line.split_once(' ')?;
            let (groups, scopes) = names.split_once(' ')?;
            let names = |names: &str| names.split(',').filter_map(Name::new).collect();
            Some(Profile { tier: TierIndex(tier.parse().ok()?), groups: names(groups), scopes: names(scopes) })
        })
    }

    fn validities(&self, section: &Range<usize>) -> impl Iterator<Item = (CredentialIndex, Validity)> {
        self.chunks::<VALIDITY>(section).iter().filter_map(|bytes| {
            let entry: &ValidityEntry = transmute_ref!(bytes);
            Some((entry.credential()?, entry.validity()))
        })
    }

    /// The entries of a section, each of `N` bytes.
    fn chunks<const N: usize>(&self, section: &Range<usize>) -> &[[u8; N]] {
        self.section(section).as_chunks().0
    }

    fn section(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}

fn credential(entry: &CredentialEntry) -> Option<Credential> {
    let client = entry.client.get();
    let kind = usize::try_from((client & !(REVOKED | BOUNDED)) >> KIND).ok()?;
    Some(Credential {
        client: ClientIndex(usize::try_from(client & CLIENT_BITS).ok()?),
        kind: *Kind::ALL.get(kind)?,
        revoked: client & REVOKED != 0,
        bounded: client & BOUNDED != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fingerprint::LENGTH;
    use super::super::time::UnixSeconds;
    use super::*;
    use crate::domain::table_builder::Builder;

    fn identifier(kind: Kind, number: u32) -> Identifier {
        let mut digest = [7; LENGTH];
        digest[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_le_bytes());
        digest[4..8].copy_from_slice(&number.to_le_bytes());
        Identifier { kind, digest }
    }

    fn kind(number: u32) -> Kind {
        Kind::ALL[usize::try_from(number % 5).unwrap()]
    }

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn profiles() -> [Profile; 2] {
        [
            Profile { tier: TierIndex(3), groups: vec![], scopes: vec![] },
            Profile { tier: TierIndex(0), groups: vec![name("finance"), name("ops")], scopes: vec![name("read")] },
        ]
    }

    const SHAPE: Shape = Shape { kind: Kind::UriSan, parts: 7, mask: 0b1_0000 };

    fn filled(count: u32) -> Builder {
        let mut builder = Builder::default();
        for number in 0..count {
            let client = ClientIndex(builder.client_count());
            let alias = format!("client-{number}");
            let profile = ProfileIndex(usize::try_from(number % 2).unwrap());
            builder.push_client(&Client { alias: &alias, profile, enabled: number % 2 == 0 });
            let validity = |divisor: u32, not_before| {
                number
                    .is_multiple_of(divisor)
                    .then(|| Validity { not_before: UnixSeconds(not_before), not_after: UnixSeconds(number.into()) })
            };
            let (dates, window) = (validity(3, -1), validity(4, -2));
            let identifier = identifier(kind(number), number);
            let (revoked, bounded) = (number % 7 == 0, window.is_some());
            builder.push_credential(
                &Credential { client, kind: identifier.kind, revoked, bounded },
                &identifier.digest,
                dates,
                window,
            );
        }
        profiles().iter().for_each(|profile| builder.push_profile(profile));
        builder.push_shape(SHAPE);
        builder
    }

    #[test]
    fn everything_that_is_put_in_is_found_again_after_a_way_through_bytes() {
        for count in [0, 1, 2, 3, 1000] {
            let table = ClientTable::from_bytes(filled(count).finish().as_bytes().to_vec()).unwrap();
            let count = usize::try_from(count).unwrap();
            assert_eq!((table.client_count(), table.credential_count()), (count, count));
            for number in 0..u32::try_from(count).unwrap() {
                let place = usize::try_from(number).unwrap();
                let (index, credential) = table.find(&identifier(kind(number), number)).unwrap();
                assert_eq!((index.0, credential.client.0, credential.revoked), (place, place, number % 7 == 0));
                assert_eq!(table.identifier(index), Some(identifier(kind(number), number)));
                let window = table.window(index).map(|window| (window.not_before.0, window.not_after.0));
                assert_eq!(
                    (credential.bounded, window),
                    (number % 4 == 0, (number % 4 == 0).then_some((-2, number.into())))
                );
                let client = table.client(credential.client).unwrap();
                assert_eq!(client.alias, format!("client-{number}"));
                assert_eq!((client.profile.0, client.enabled), (place % 2, number % 2 == 0));
                assert_eq!(table.find(&identifier(kind(number + 1), number)), None);
            }
            assert_eq!(table.find(&identifier(Kind::Sha256, 1_000_000)), None);
            assert_eq!((table.clients().count(), table.credentials().count()), (count, count));
            let dates: Vec<_> = table.dates().map(|(index, validity)| (index.0, validity.not_after.0)).collect();
            let expected = (0..count).step_by(3).map(|number| (number, i64::try_from(number).unwrap()));
            assert_eq!(dates, expected.collect::<Vec<_>>());
            assert_eq!(table.shapes().collect::<Vec<_>>(), [SHAPE]);
            assert_eq!(table.profiles().collect::<Vec<_>>(), profiles());
        }
    }

    #[test]
    fn what_is_there_twice_is_told_with_the_first() {
        let mut builder = filled(4);
        assert!(builder.duplicate_aliases().is_empty() && builder.duplicate_identifiers().is_empty());
        for alias in ["", "", "client-2"] {
            builder.push_client(&Client { alias, profile: ProfileIndex(0), enabled: true });
        }
        let identifier = identifier(kind(1), 1);
        let again = Credential { client: ClientIndex(5), kind: identifier.kind, revoked: false, bounded: false };
        builder.push_credential(&again, &identifier.digest, None, None);
        assert_eq!(builder.duplicate_aliases(), [(ClientIndex(6), ClientIndex(2))]);
        assert_eq!(builder.duplicate_identifiers(), [(CredentialIndex(4), CredentialIndex(1))]);
        assert_eq!(builder.finish().find(&identifier).unwrap().0, CredentialIndex(1));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = filled(5).finish().as_bytes().to_vec();
        for length in 0..whole.len() {
            assert!(ClientTable::from_bytes(whole[..length].to_vec()).is_none());
        }
        for place in 0..whole.len() {
            let mut broken = whole.clone();
            broken[place] ^= 0xff;
            let Some(table) = ClientTable::from_bytes(broken) else { continue };
            for number in 0..5 {
                if let Some((index, credential)) = table.find(&identifier(kind(number), number)) {
                    let _ = (table.client(credential.client), table.window(index));
                }
            }
            let _ = (table.shapes().count(), table.profiles().count());
            assert!(table.clients().count() <= 5 && table.credentials().count() <= 5 && table.dates().count() <= 5);
        }
    }
}
