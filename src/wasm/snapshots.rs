//! Configurations in shared data, by which the VMs of a process hand them to each other, per `root_id`: snapshots of the
//! two newest, so that the canary compiles and the workers only load; and a list of the former ones, which Envoy no
//! longer uses.

use super::cas::{Store, update_bytes};
use certgate_core::engine::generation::Hash;
use certgate_core::engine::ledger::Change;
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute};

/// Shared data outlive a module, and another version may write other snapshots.
const PREFIX: &str = concat!("certgate:snapshot:2:", env!("CARGO_PKG_VERSION"), ":");

/// The configurations of one `root_id`.
pub(super) struct Snapshots<'s> {
    pub(super) store: &'s dyn Store,
    pub(super) root_id: &'s str,
}

/// The source of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The configuration as Envoy has it.
    Bytes(Vec<u8>),
    /// The snapshot that this or another VM has compiled.
    Snapshot(Vec<u8>),
}

/// The result of a look for a configuration.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The configuration.
    Here(Source),
    /// The configuration is there, and there is no memory for it.
    TooLarge,
    /// The configuration is not there.
    Nothing,
}

/// A configuration in the list, which has the newest first and the former ones last.
#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Entry {
    /// The slot with the value: 0, 1, or [`FORMER`].
    slot: u8,
    hash: Hash,
    length: U32,
}

/// The list at one moment.
pub(super) struct Listed(Vec<Entry>);

/// In place of a slot: Envoy no longer uses the configuration.
const FORMER: u8 = 2;

/// The most former configurations that are listed. Each VM reads the list at each reload, so that it misses none.
const FORMER_KEPT: usize = 32;

/// The kind of a stored value, a byte before it: a snapshot, or a configuration as Envoy has it.
const COMPILED: u8 = 1;
const PLAIN: u8 = 0;

impl Snapshots<'_> {
    /// Overwrites the older of the two configurations. `reserve` says whether there is memory for so many bytes. A
    /// configuration that could not be stored is read from Envoy instead.
    pub(super) fn put(&self, hash: &Hash, source: &Source, reserve: &dyn Fn(usize) -> bool) {
        self.put_into(&self.listed(), hash, source, reserve);
    }

    /// The list now.
    pub(super) fn listed(&self) -> Listed {
        Listed(self.entries())
    }

    /// The newest snapshot in this list of another configuration than the one with this hash.
    pub(super) fn of_another(&self, Listed(entries): &Listed, hash: &Hash) -> Option<Vec<u8>> {
        let another = entries.iter().find(|entry| entry.slot != FORMER && entry.hash != *hash)?;
        match self.find(entries, &another.hash, &|_| true) {
            Found::Here(Source::Snapshot(snapshot)) => Some(snapshot),
            _ => None,
        }
    }

    /// [`Self::put`] where this is the list.
    pub(super) fn put_into(
        &self,
        Listed(entries): &Listed,
        hash: &Hash,
        source: &Source,
        reserve: &dyn Fn(usize) -> bool,
    ) {
        let (kind, bytes) = match source {
            Source::Snapshot(bytes) => (COMPILED, bytes),
            Source::Bytes(bytes) => (PLAIN, bytes),
        };
        let Ok(length) = u32::try_from(bytes.len()) else { return };
        let newest = entries.iter().find(|entry| entry.slot != FORMER && entry.hash != *hash);
        let slot = newest.map_or(0, |newest| 1_u8.saturating_sub(newest.slot));
        // The old value is read before it is replaced.
        let replaced = entries.iter().find(|entry| entry.slot == slot).map_or(0, |entry| entry.length.get());
        let needed = [length, replaced].into_iter().filter_map(|length| usize::try_from(length).ok());
        if !reserve(needed.fold(1024, usize::saturating_add)) {
            return;
        }
        let value = [hash.as_slice(), &[kind], bytes].concat();
        if update_bytes(self.store, &self.key(slot), &mut |_| Change::Write(value.as_slice().into())).is_err() {
            return;
        }
        self.list(&|entries| {
            entries.retain(|other| other.slot != slot && (other.slot != FORMER || other.hash != *hash));
            entries.insert(0, Entry { slot, hash: *hash, length: length.into() });
        });
    }

    /// The configuration with this hash, which Envoy makes the active one: from now on it is the newest, and no former one.
    pub(super) fn take(&self, hash: &Hash, reserve: &dyn Fn(usize) -> bool) -> Found {
        let entries = self.entries();
        let newest = |(place, entry): (usize, &Entry)| place == 0 && entry.slot != FORMER;
        if entries.iter().enumerate().any(|(place, entry)| entry.hash == *hash && !newest((place, entry))) {
            self.list(&|entries| {
                let ours = entries.iter().find(|entry| entry.slot != FORMER && entry.hash == *hash).copied();
                entries.retain(|entry| entry.hash != *hash);
                ours.into_iter().for_each(|entry| entries.insert(0, entry));
            });
        }
        self.find(&entries, hash, reserve)
    }

    /// The configuration with this hash. `reserve` says whether there is memory for so many bytes.
    pub(super) fn get(&self, hash: &Hash, reserve: &dyn Fn(usize) -> bool) -> Found {
        self.find(&self.entries(), hash, reserve)
    }

    /// Lists the configuration with this hash as a former one.
    pub(super) fn retire(&self, hash: &Hash) {
        self.list(&|entries| {
            let place = entries.iter().position(|entry| entry.slot == FORMER);
            let entry = Entry { slot: FORMER, hash: *hash, length: U32::ZERO };
            entries.retain(|other| *other != entry);
            entries.insert(place.unwrap_or(entries.len()).min(entries.len()), entry);
            entries.truncate(FORMER_KEPT.saturating_add(2));
        });
    }

    /// The hashes of the former configurations.
    pub(super) fn former(&self) -> Vec<Hash> {
        self.entries().iter().filter(|entry| entry.slot == FORMER).map(|entry| entry.hash).collect()
    }

    // Not inlined: it has several callers.
    #[inline(never)]
    fn find(&self, entries: &[Entry], hash: &Hash, reserve: &dyn Fn(usize) -> bool) -> Found {
        let entry = entries.iter().find(|entry| entry.slot != FORMER && entry.hash == *hash);
        let head = hash.len().saturating_add(1);
        let length = entry.and_then(|entry| usize::try_from(entry.length.get()).ok()?.checked_add(head));
        let (Some(entry), Some(length)) = (entry, length) else { return Found::Nothing };
        if !reserve(length) {
            return Found::TooLarge;
        }
        let Ok(Some((mut value, _))) = self.store.read(&self.key(entry.slot)) else { return Found::Nothing };
        // Another VM may have overwritten the value since the list was read.
        if value.len() != length || !value.starts_with(hash) {
            return Found::Nothing;
        }
        let compiled = value.drain(..head).next_back() == Some(COMPILED);
        Found::Here(if compiled { Source::Snapshot(value) } else { Source::Bytes(value) })
    }

    /// Changes the list. The list stays as it is if the store fails.
    fn list(&self, change: &dyn Fn(&mut Vec<Entry>)) {
        let mut listed = |stored: Option<Vec<u8>>| {
            let mut entries = entries(&stored.unwrap_or_default());
            change(&mut entries);
            Change::Write(entries.as_bytes().to_vec().into())
        };
        let _ = update_bytes(self.store, &self.index(), &mut listed);
    }

    fn entries(&self) -> Vec<Entry> {
        self.store.read(&self.index()).ok().flatten().map(|(value, _)| entries(&value)).unwrap_or_default()
    }

    fn index(&self) -> String {
        [PREFIX, self.root_id].concat()
    }

    fn key(&self, slot: u8) -> String {
        [PREFIX, self.root_id, if slot == 0 { "\0first" } else { "\0second" }].concat()
    }
}

fn entries(value: &[u8]) -> Vec<Entry> {
    let entry = |bytes: &[u8; size_of::<Entry>()]| transmute!(*bytes);
    value.as_chunks().0.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cas::fake::FakeSharedData;

    fn hash(number: u8) -> Hash {
        [number; 16]
    }

    fn snapshot(number: u8) -> Source {
        Source::Snapshot(vec![number; 10])
    }

    #[test]
    fn the_two_newest_are_there_and_older_ones_are_not() {
        let store = FakeSharedData::default();
        let snapshots = Snapshots { store: &store, root_id: "certgate" };
        let got = |number| snapshots.get(&hash(number), &|_| true);
        assert_eq!(got(1), Found::Nothing);
        for number in 1..=5 {
            snapshots.put(&hash(number), &snapshot(number), &|_| true);
            snapshots.put(&hash(number), &snapshot(number), &|_| true);
            assert_eq!(got(number), Found::Here(snapshot(number)));
            assert_eq!(got(number - 1) != Found::Nothing, number > 1);
            assert_eq!(got(number.saturating_sub(2)), Found::Nothing);
        }
        assert_eq!(Snapshots { store: &store, root_id: "other" }.get(&hash(5), &|_| true), Found::Nothing);
        assert_eq!(store.values().len(), 3, "two snapshots and their list");
        let plain = Source::Bytes(b"version: 1".to_vec());
        snapshots.put(&hash(6), &plain, &|_| true);
        assert_eq!(got(6), Found::Here(plain));
    }

    #[test]
    fn a_snapshot_without_memory_for_it_or_overwritten_is_not_got() {
        let store = FakeSharedData::default();
        let snapshots = Snapshots { store: &store, root_id: "certgate" };
        snapshots.put(&hash(1), &snapshot(1), &|_| false);
        assert_eq!(snapshots.get(&hash(1), &|_| true), Found::Nothing);
        snapshots.put(&hash(1), &snapshot(1), &|_| true);
        assert_eq!(snapshots.get(&hash(1), &|length| length > 27), Found::TooLarge);
        assert_eq!(snapshots.get(&hash(1), &|length| length == 27), Found::Here(snapshot(1)));
        store.overwrite(&snapshots.key(0), b"something else");
        assert_eq!(snapshots.get(&hash(1), &|_| true), Found::Nothing);
    }

    /// The active configuration must not be overwritten by the next.
    #[test]
    fn a_configuration_that_comes_back_is_the_newest_and_no_former_one() {
        let store = FakeSharedData::default();
        let snapshots = Snapshots { store: &store, root_id: "certgate" };
        snapshots.put(&hash(1), &snapshot(1), &|_| true);
        snapshots.put(&hash(2), &snapshot(2), &|_| true);
        snapshots.retire(&hash(1));
        snapshots.retire(&hash(1));
        assert_eq!(snapshots.former(), [hash(1)]);
        assert_eq!(snapshots.get(&hash(1), &|_| true), Found::Here(snapshot(1)));
        assert_eq!(snapshots.former(), [hash(1)], "`get` changes nothing");
        assert_eq!(snapshots.take(&hash(1), &|_| true), Found::Here(snapshot(1)));
        assert!(snapshots.former().is_empty());
        snapshots.put(&hash(3), &snapshot(3), &|_| true);
        assert_eq!(snapshots.get(&hash(1), &|_| true), Found::Here(snapshot(1)));
        assert_eq!(snapshots.get(&hash(2), &|_| true), Found::Nothing);
        // A configuration that is no longer stored, and is put again, is not a former one either.
        snapshots.retire(&hash(2));
        assert_eq!(snapshots.take(&hash(2), &|_| true), Found::Nothing);
        assert!(snapshots.former().is_empty());
        snapshots.retire(&hash(2));
        snapshots.put(&hash(2), &snapshot(2), &|_| true);
        assert!(snapshots.former().is_empty());
    }

    #[test]
    fn the_list_of_former_configurations_is_bounded_and_has_the_newest() {
        let store = FakeSharedData::default();
        let snapshots = Snapshots { store: &store, root_id: "certgate" };
        for number in 0..100 {
            snapshots.put(&hash(number), &snapshot(number), &|_| true);
            snapshots.retire(&hash(number.wrapping_sub(1)));
        }
        let former = snapshots.former();
        assert_eq!((former.len(), former.first(), former.last()), (32, Some(&hash(98)), Some(&hash(67))));
    }
}
