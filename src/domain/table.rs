//! All clients and their credentials in one block of bytes, so that a hundred thousand of them are one allocation, and
//! nothing has to be built of it before it can be used:
//!
//! ```text
//! magic        4 bytes
//! counts       4 x u32   clients, credentials, dates, bytes of aliases
//! clients      8 bytes each: u32 where its alias ends, u32 its tier, with DISABLED or not
//! credentials  36 bytes each: fingerprint, u32 its client, with REVOKED or not
//! slots        u32 each: a hash table of the fingerprints; a credential's place plus one, or 0
//! dates        20 bytes each: u32 credential, i64 not before, i64 not after; of those that are known
//! aliases      one after the other
//! ```
//!
//! All numbers are little-endian. A place that leads nowhere has nothing: no bytes make this panic.

use super::client::{Client, ClientIndex, Credential, CredentialIndex, TierIndex};
use super::fingerprint::{Fingerprint, LENGTH};
use super::slots::{fingerprint_hash, place, probe, slots_for};
use super::table_builder::Builder;
use super::time::{UnixSeconds, Validity};
use std::ops::Range;

pub(super) const MAGIC: [u8; 4] = *b"cgt1";
pub(super) const HEADER: usize = 20;
pub(super) const CLIENT: usize = 8;
pub(super) const CREDENTIAL: usize = 36;
pub(super) const DATES: usize = 20;

/// Beside a client's tier: it may not call.
pub(super) const DISABLED: u32 = 1 << 31;
/// Beside a credential's client: it was revoked.
pub(super) const REVOKED: u32 = 1 << 31;

/// The clients and credentials of one configuration.
#[derive(Clone, Debug)]
pub struct ClientTable {
    pub(super) bytes: Vec<u8>,
    pub(super) clients: Range<usize>,
    pub(super) credentials: Range<usize>,
    pub(super) slots: Range<usize>,
    pub(super) dates: Range<usize>,
    pub(super) aliases: Range<usize>,
}

impl Default for ClientTable {
    /// Nobody.
    fn default() -> Self {
        Builder::default().finish()
    }
}

impl ClientTable {
    /// The table that [`Self::as_bytes`] gave these bytes of; `None` if it did not.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk()?;
        let mut counts = rest.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes));
        let mut count = || usize::try_from(counts.next()?).ok();
        let [clients, credentials, dates, aliases] = [count()?, count()?, count()?, count()?];
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
        let aliases = section(aliases)?;
        let whole = *magic == MAGIC && aliases.end == bytes.len();
        whole.then_some(Self { bytes, clients, credentials, slots, dates, aliases })
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The credential with this fingerprint.
    pub fn find(&self, fingerprint: &Fingerprint) -> Option<(CredentialIndex, Credential)> {
        let slots = self.section(&self.slots).as_chunks().0;
        probe(fingerprint_hash(fingerprint), slots.len())
            .map_while(|slot| slots.get(slot).and_then(|slot| place(*slot)).map(CredentialIndex))
            .find_map(|index| Some((index, self.credential(index).filter(|found| found.fingerprint == *fingerprint)?)))
    }

    /// How many clients there are.
    pub fn client_count(&self) -> usize {
        self.section(&self.clients).as_chunks::<CLIENT>().0.len()
    }

    /// How many credentials there are.
    pub fn credential_count(&self) -> usize {
        self.section(&self.credentials).as_chunks::<CREDENTIAL>().0.len()
    }

    /// The client at this place.
    pub fn client(&self, ClientIndex(index): ClientIndex) -> Option<Client<'_>> {
        let clients = self.section(&self.clients).as_chunks().0;
        let [end, tier] = halves(clients.get(index)?);
        let start = match index.checked_sub(1) {
            Some(before) => halves(clients.get(before)?)[0],
            None => 0,
        };
        let alias = self.section(&self.aliases).get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)?;
        let tier_index = TierIndex(usize::try_from(tier & !DISABLED).ok()?);
        Some(Client { alias: str::from_utf8(alias).ok()?, tier: tier_index, enabled: tier & DISABLED == 0 })
    }

    /// The credential at this place.
    pub fn credential(&self, CredentialIndex(index): CredentialIndex) -> Option<Credential> {
        let bytes: &[u8; CREDENTIAL] = self.section(&self.credentials).as_chunks().0.get(index)?;
        let (fingerprint, client) = bytes.split_first_chunk::<LENGTH>()?;
        let client = u32::from_le_bytes(*client.first_chunk()?);
        Some(Credential {
            client: ClientIndex(usize::try_from(client & !REVOKED).ok()?),
            fingerprint: Fingerprint::new(*fingerprint),
            revoked: client & REVOKED != 0,
        })
    }

    /// The clients, in the order of the configuration.
    pub fn clients(&self) -> impl Iterator<Item = Client<'_>> {
        (0..self.client_count()).filter_map(|index| self.client(ClientIndex(index)))
    }

    /// The credentials, in the order of the configuration.
    pub fn credentials(&self) -> impl Iterator<Item = Credential> {
        (0..self.credential_count()).filter_map(|index| self.credential(CredentialIndex(index)))
    }

    /// The certificates' own dates, of credentials for which the configuration holds the certificate.
    pub fn dates(&self) -> impl Iterator<Item = (CredentialIndex, Validity)> {
        self.section(&self.dates).as_chunks::<DATES>().0.iter().filter_map(|bytes| {
            let (index, dates) = bytes.split_first_chunk()?;
            let [not_before, not_after] =
                <[[u8; 8]; 2]>::try_from(dates.as_chunks().0).ok()?.map(|bytes| UnixSeconds(i64::from_le_bytes(bytes)));
            let index = usize::try_from(u32::from_le_bytes(*index)).ok()?;
            Some((CredentialIndex(index), Validity { not_before, not_after }))
        })
    }

    fn section(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}

/// The two numbers of a client.
pub(super) fn halves(bytes: &[u8; CLIENT]) -> [u32; 2] {
    let (halves, _) = bytes.as_chunks();
    <[[u8; 4]; 2]>::try_from(halves).unwrap_or_default().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(number: u32) -> Fingerprint {
        let mut bytes = [7; LENGTH];
        bytes[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_le_bytes());
        bytes[4..8].copy_from_slice(&number.to_le_bytes());
        Fingerprint::new(bytes)
    }

    fn filled(count: u32) -> Builder {
        let mut builder = Builder::default();
        for number in 0..count {
            let client = ClientIndex(builder.client_count());
            let alias = format!("client-{number}");
            builder.push_client(&Client { alias: &alias, tier: TierIndex(3), enabled: number % 2 == 0 });
            let validity = (number % 3 == 0)
                .then(|| Validity { not_before: UnixSeconds(-1), not_after: UnixSeconds(number.into()) });
            builder.push_credential(
                &Credential { client, fingerprint: fingerprint(number), revoked: number % 5 == 0 },
                validity,
            );
        }
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
                let (index, credential) = table.find(&fingerprint(number)).unwrap();
                assert_eq!((index.0, credential.client.0, credential.revoked), (place, place, number % 5 == 0));
                let client = table.client(credential.client).unwrap();
                assert_eq!(client.alias, format!("client-{number}"));
                assert_eq!((client.tier, client.enabled), (TierIndex(3), number % 2 == 0));
            }
            assert_eq!(table.find(&fingerprint(1_000_000)), None);
            assert_eq!((table.clients().count(), table.credentials().count()), (count, count));
            let dates: Vec<_> = table.dates().map(|(index, validity)| (index.0, validity.not_after.0)).collect();
            let expected = (0..count).step_by(3).map(|number| (number, i64::try_from(number).unwrap()));
            assert_eq!(dates, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_there_twice_is_told_with_the_first() {
        let mut builder = filled(4);
        assert!(builder.taken_aliases().is_empty() && builder.taken_certificates().is_empty());
        for alias in ["", "", "client-2"] {
            builder.push_client(&Client { alias, tier: TierIndex(0), enabled: true });
        }
        let again = Credential { client: ClientIndex(5), fingerprint: fingerprint(1), revoked: false };
        builder.push_credential(&again, None);
        assert_eq!(builder.taken_aliases(), [(ClientIndex(6), ClientIndex(2))]);
        assert_eq!(builder.taken_certificates(), [(CredentialIndex(4), CredentialIndex(1))]);
        assert_eq!(builder.finish().find(&fingerprint(1)).unwrap().0, CredentialIndex(1));
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
                if let Some((_, credential)) = table.find(&fingerprint(number)) {
                    let _ = table.client(credential.client);
                }
            }
            assert!(table.clients().count() <= 5 && table.credentials().count() <= 5 && table.dates().count() <= 5);
        }
    }
}
