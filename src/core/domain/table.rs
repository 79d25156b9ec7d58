//! All clients and their credentials in one block of bytes: a hundred thousand of them are one allocation, and are used
//! without being parsed first.
//!
//! ```text
//! magic        4 bytes
//! counts       7 x u32   clients, credentials, dates, windows, shapes, bytes of profiles, bytes of aliases
//! clients      8 bytes each: u32 where its alias ends, u32 its profile, with DISABLED or not
//! credentials  36 bytes each: digest, u32 its client, with its kind and with REVOKED and BOUNDED or not
//! slots        u32 each: a hash table of the digests; a credential's place plus one, or 0
//! dates        20 bytes each: u32 credential, i64 not before, i64 not after; of certificates that are known
//! windows      the same of BOUNDED credentials, as the operator has set them
//! shapes       8 bytes each: u8 kind, u8 parts, 2 x 0, u32 mask; the most specific of a kind first
//! profiles     a line each: the tier's number, groups, scopes: `3 finance,ops read`
//! aliases      one after the other
//! ```
//!
//! All numbers are little-endian. An index out of range finds nothing: no bytes make this panic.

use super::client::{Client, ClientIndex, Profile, ProfileIndex, TierIndex};
use super::credential::{Credential, CredentialIndex, Identifier, Kind, Shape};
use super::fingerprint::LENGTH;
use super::name::Name;
use super::slots::{digest_hash, place, probe, slots_for};
use super::table_builder::Builder;
use super::time::{UnixSeconds, Validity};
use std::ops::Range;

pub(super) const MAGIC: [u8; 4] = *b"cgt3";
pub(super) const HEADER: usize = 32;
pub(super) const CLIENT: usize = 8;
pub(super) const CREDENTIAL: usize = 36;
pub(super) const DATES: usize = 20;
pub(super) const SHAPE: usize = 8;

/// The bit beside a client's profile of a disabled client.
pub(super) const DISABLED: u32 = 1 << 31;
/// The bit beside a credential's client of a revoked credential.
pub(super) const REVOKED: u32 = 1 << 31;
/// The bit beside a credential's client of a credential with a window.
pub(super) const BOUNDED: u32 = 1 << 30;
/// The lowest bit beside a credential's client of the index of its kind.
pub(super) const KIND: u32 = 27;
/// The bits of the client's index.
pub(super) const CLIENT_BITS: u32 = (1 << KIND) - 1;

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

impl Default for ClientTable {
    /// A table without clients.
    fn default() -> Self {
        Builder::default().finish()
    }
}

impl ClientTable {
    /// The table whose [`Self::as_bytes`] these are; `None` if they are not a table's.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk()?;
        let mut counts = rest.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes));
        let mut count = || usize::try_from(counts.next()?).ok();
        let [clients, credentials, dates, windows] = [count()?, count()?, count()?, count()?];
        let [shapes, profiles, aliases] = [count()?, count()?, count()?];
        let mut end = HEADER;
        let mut section = |length: usize| {
            let start = end;
            end = start.checked_add(length)?;
            Some(start..end)
        };
        let clients = section(clients.checked_mul(CLIENT)?)?;
        let slots = slots_for(credentials).checked_mul(4)?;
        let credentials = section(credentials.checked_mul(CREDENTIAL)?)?;
        let (slots, dates) = (section(slots)?, section(dates.checked_mul(DATES)?)?);
        let (windows, shapes) = (section(windows.checked_mul(DATES)?)?, section(shapes.checked_mul(SHAPE)?)?);
        let (profiles, aliases) = (section(profiles)?, section(aliases)?);
        let whole = *magic == MAGIC && aliases.end == bytes.len();
        whole.then_some(Self { bytes, clients, credentials, slots, dates, windows, shapes, profiles, aliases })
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The credential with this identifier.
    pub fn find(&self, identifier: &Identifier) -> Option<(CredentialIndex, Credential)> {
        let slots = self.section(&self.slots).as_chunks().0;
        let credentials = self.section(&self.credentials).as_chunks::<CREDENTIAL>().0;
        probe(digest_hash(&identifier.digest), slots.len())
            .map_while(|slot| slots.get(slot).and_then(|slot| place(*slot)))
            .find_map(|place| {
                let (digest, rest) = credentials.get(place)?.split_first_chunk()?;
                let found = credential(rest).filter(|found| found.kind == identifier.kind)?;
                (*digest == identifier.digest).then_some((CredentialIndex(place), found))
            })
    }

    /// The number of clients.
    pub fn client_count(&self) -> usize {
        self.section(&self.clients).as_chunks::<CLIENT>().0.len()
    }

    /// The number of credentials.
    pub fn credential_count(&self) -> usize {
        self.section(&self.credentials).as_chunks::<CREDENTIAL>().0.len()
    }

    /// The client at this index.
    pub fn client(&self, ClientIndex(index): ClientIndex) -> Option<Client<'_>> {
        let clients = self.section(&self.clients).as_chunks().0;
        let [end, profile] = halves(clients.get(index)?);
        let start = match index.checked_sub(1) {
            Some(before) => halves(clients.get(before)?)[0],
            None => 0,
        };
        let alias = self.section(&self.aliases).get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)?;
        let index = ProfileIndex(usize::try_from(profile & !DISABLED).ok()?);
        Some(Client { alias: str::from_utf8(alias).ok()?, profile: index, enabled: profile & DISABLED == 0 })
    }

    /// The credential at this index.
    pub fn credential(&self, CredentialIndex(index): CredentialIndex) -> Option<Credential> {
        let bytes: &[u8; CREDENTIAL] = self.section(&self.credentials).as_chunks().0.get(index)?;
        credential(bytes.get(LENGTH..)?)
    }

    /// The identifier of the credential at this index.
    pub fn identifier(&self, index: CredentialIndex) -> Option<Identifier> {
        let bytes: &[u8; CREDENTIAL] = self.section(&self.credentials).as_chunks().0.get(index.0)?;
        Some(Identifier { kind: self.credential(index)?.kind, digest: *bytes.first_chunk()? })
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
        self.section(&self.dates).as_chunks::<DATES>().0.iter().filter_map(dated)
    }

    /// `not_before` and `not_after` of credentials that are [bounded](Credential::bounded), by credential.
    pub fn windows(&self) -> impl Iterator<Item = (CredentialIndex, Validity)> {
        self.section(&self.windows).as_chunks::<DATES>().0.iter().filter_map(dated)
    }

    /// `not_before` and `not_after` of this credential, if it is [bounded](Credential::bounded).
    pub fn window(&self, CredentialIndex(index): CredentialIndex) -> Option<Validity> {
        let windows = self.section(&self.windows).as_chunks::<DATES>().0;
        let place = windows.binary_search_by_key(&Some(index), |bytes| Some(dated(bytes)?.0.0)).ok()?;
        Some(dated(windows.get(place)?)?.1)
    }

    /// The shapes in which names are compared: by kind, the most specific first.
    pub fn shapes(&self) -> impl Iterator<Item = Shape> {
        self.section(&self.shapes).as_chunks::<SHAPE>().0.iter().filter_map(|[kind, parts, _, _, mask @ ..]| {
            let kind = *Kind::ALL.get(usize::from(*kind))?;
            Some(Shape { kind, parts: *parts, mask: u32::from_le_bytes(*mask) })
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

    fn section(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}

/// The credential in the bytes behind its digest.
fn credential(bytes: &[u8]) -> Option<Credential> {
    let client = u32::from_le_bytes(*bytes.first_chunk()?);
    let kind = usize::try_from((client & !(REVOKED | BOUNDED)) >> KIND).ok()?;
    Some(Credential {
        client: ClientIndex(usize::try_from(client & CLIENT_BITS).ok()?),
        kind: *Kind::ALL.get(kind)?,
        revoked: client & REVOKED != 0,
        bounded: client & BOUNDED != 0,
    })
}

/// A credential with its validity period or window.
fn dated(bytes: &[u8; DATES]) -> Option<(CredentialIndex, Validity)> {
    let (index, dates) = bytes.split_first_chunk()?;
    let [not_before, not_after] =
        <[[u8; 8]; 2]>::try_from(dates.as_chunks().0).ok()?.map(|bytes| UnixSeconds(i64::from_le_bytes(bytes)));
    let index = usize::try_from(u32::from_le_bytes(*index)).ok()?;
    Some((CredentialIndex(index), Validity { not_before, not_after }))
}

/// The two numbers of a client.
pub(super) fn halves(bytes: &[u8; CLIENT]) -> [u32; 2] {
    let (halves, _) = bytes.as_chunks();
    <[[u8; 4]; 2]>::try_from(halves).unwrap_or_default().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

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
