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
use super::time::{UnixSeconds, Validity};
use std::ops::Range;

const MAGIC: [u8; 4] = *b"cgt1";
const HEADER: usize = 20;
const CLIENT: usize = 8;
const CREDENTIAL: usize = 36;
const DATES: usize = 20;

/// Beside a client's tier: it may not call.
const DISABLED: u32 = 1 << 31;
/// Beside a credential's client: it was revoked.
const REVOKED: u32 = 1 << 31;

/// The clients and credentials of one configuration.
#[derive(Clone, Debug)]
pub struct ClientTable {
    bytes: Vec<u8>,
    clients: Range<usize>,
    credentials: Range<usize>,
    slots: Range<usize>,
    dates: Range<usize>,
    aliases: Range<usize>,
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
        let slots = slots(credentials).checked_mul(4)?;
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
        probe(hash(fingerprint), slots.len())
            .map_while(|slot| slots.get(slot).and_then(|place| CredentialIndex::in_slot(*place)))
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

impl CredentialIndex {
    /// What a slot leads to, if it is not empty.
    fn in_slot(place: [u8; 4]) -> Option<Self> {
        u32::from_le_bytes(place).checked_sub(1).and_then(|index| usize::try_from(index).ok()).map(Self)
    }
}

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
            alias => hash_of_text(alias),
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
        let hash = |index| fingerprint(index).map_or(0, |bytes| hash(&Fingerprint::new(*bytes)));
        index(self.credentials.len(), hash, |one, other| fingerprint(one) == fingerprint(other))
    }
}

/// How many slots a hash table of so many things has: a quarter of them stays empty.
fn slots(count: usize) -> usize {
    count.saturating_add(count.div_ceil(3)).saturating_add(1)
}

/// The slots to look into for a hash, in order.
fn probe(hash: u32, slots: usize) -> impl Iterator<Item = usize> {
    let scaled = u64::from(hash).saturating_mul(u64::try_from(slots).unwrap_or(0)) >> 32;
    let first = usize::try_from(scaled).unwrap_or(0);
    (first..slots).chain(0..first)
}

/// A hash table of the numbers below `count`, and those that are the same as an earlier one, each with the first.
fn index(
    count: usize,
    hash: impl Fn(usize) -> u32,
    same: impl Fn(usize, usize) -> bool,
) -> (Vec<[u8; 4]>, Vec<(usize, usize)>) {
    let mut table = vec![[0; 4]; slots(count)];
    let mut taken = Vec::new();
    for item in 0..count {
        for slot in probe(hash(item), table.len()) {
            let Some(place) = table.get_mut(slot) else { break };
            match CredentialIndex::in_slot(*place) {
                Some(CredentialIndex(first)) if same(item, first) => {
                    taken.push((item, first));
                    break;
                }
                Some(_) => {}
                None => {
                    *place = number(item).saturating_add(1).to_le_bytes();
                    break;
                }
            }
        }
    }
    (table, taken)
}

/// The first bytes: fingerprints are uniformly distributed already, and a table that holds only what the operator
/// registered cannot be filled with collisions by anybody else.
fn hash(fingerprint: &Fingerprint) -> u32 {
    fingerprint.as_bytes().first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// FNV-1a, for names that the operator chose.
fn hash_of_text(text: &str) -> u32 {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    // Names differ most at their ends, which the last multiplications have not carried to the front.
    (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d)
}

/// No module has memory for more than fit.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX >> 1)
}

fn halves(bytes: &[u8; CLIENT]) -> [u32; 2] {
    let (halves, _) = bytes.as_chunks();
    <[[u8; 4]; 2]>::try_from(halves).unwrap_or_default().map(u32::from_le_bytes)
}

fn join<const N: usize>(first: &[u8], second: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(first.iter().chain(second)).for_each(|(to, from)| *to = *from);
    bytes
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

    #[test]
    fn names_are_spread() {
        let hashes: Vec<_> = (0..1000).map(|number| hash_of_text(&format!("c{number:05}")) >> 24).collect();
        let most = (0..256).map(|first| hashes.iter().filter(|hash| **hash == first).count()).max();
        assert!(most < Some(20), "{most:?} of 1000 in one of 256 places");
    }
}
