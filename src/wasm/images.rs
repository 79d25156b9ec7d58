//! What the VMs of a process tell each other of the configurations of one `root_id`, in shared data: the two newest
//! themselves, compiled where they can be, so that the canary compiles and the workers only take up; and which ones Envoy
//! has no use for any more.

use super::cas::{Store, update_bytes};
use certgate_core::engine::generation::Hash;
use certgate_core::engine::ledger::Change;

/// Shared data outlive a module, and another version may write another image.
const PREFIX: &str = concat!("certgate:image:", env!("CARGO_PKG_VERSION"), ":");

/// The images of one `root_id`.
pub(super) struct Images<'s> {
    pub(super) store: &'s dyn Store,
    pub(super) root_id: &'s str,
}

/// What a policy is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The configuration itself.
    Bytes(Vec<u8>),
    /// What another VM has compiled.
    Image(Vec<u8>),
    /// What lies in shared data, or will.
    Shared,
}

/// What was found of a configuration.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The configuration.
    Here(Source),
    /// It is there, and there is no memory for it.
    TooLarge,
    /// Nothing.
    Nothing,
}

/// A configuration: the newest first, the former ones last.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    /// Where it lies.
    slot: u8,
    hash: Hash,
    length: u32,
}

const ENTRY: usize = 21;

/// In place of a slot: Envoy has no use for the configuration any more.
const FORMER: u8 = 2;

/// So many former ones are listed. Each VM looks at each reload, so that it misses none.
const FORMER_KEPT: usize = 32;

/// Before an image, and before a configuration as it is.
const COMPILED: u8 = 1;
const PLAIN: u8 = 0;

impl Images<'_> {
    /// Puts a configuration where the older one lies. `reserve` says whether there is memory for so many bytes. One that
    /// cannot be put there is read from Envoy instead.
    pub(super) fn put(&self, hash: &Hash, source: &Source, reserve: &dyn Fn(usize) -> bool) {
        let (kind, bytes) = match source {
            Source::Image(bytes) => (COMPILED, bytes),
            Source::Bytes(bytes) => (PLAIN, bytes),
            Source::Shared => return,
        };
        let Ok(length) = u32::try_from(bytes.len()) else { return };
        let entries = self.entries();
        let newest = entries.iter().find(|entry| entry.slot != FORMER && entry.hash != *hash);
        let slot = newest.map_or(0, |newest| 1_u8.saturating_sub(newest.slot));
        // What lies there is read before it is replaced.
        let replaced = entries.iter().find(|entry| entry.slot == slot).map_or(0, |entry| entry.length);
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
            entries.insert(0, Entry { slot, hash: *hash, length });
        });
    }

    /// The configuration with this hash, of which Envoy says that it will be in force: the newest, and no former one.
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

    /// Lists the configuration with this hash among the former ones.
    pub(super) fn retire(&self, hash: &Hash) {
        self.list(&|entries| {
            let place = entries.iter().position(|entry| entry.slot == FORMER);
            let entry = Entry { slot: FORMER, hash: *hash, length: 0 };
            entries.retain(|other| *other != entry);
            entries.insert(place.unwrap_or(entries.len()).min(entries.len()), entry);
            entries.truncate(FORMER_KEPT.saturating_add(2));
        });
    }

    /// The former ones.
    pub(super) fn former(&self) -> Vec<Hash> {
        self.entries().iter().filter(|entry| entry.slot == FORMER).map(|entry| entry.hash).collect()
    }

    fn find(&self, entries: &[Entry], hash: &Hash, reserve: &dyn Fn(usize) -> bool) -> Found {
        let entry = entries.iter().find(|entry| entry.slot != FORMER && entry.hash == *hash);
        let head = hash.len().saturating_add(1);
        let length = entry.and_then(|entry| usize::try_from(entry.length).ok()?.checked_add(head));
        let (Some(entry), Some(length)) = (entry, length) else { return Found::Nothing };
        if !reserve(length) {
            return Found::TooLarge;
        }
        let Ok(Some((mut value, _))) = self.store.read(&self.key(entry.slot)) else { return Found::Nothing };
        // It may have been overwritten since it was listed.
        if value.len() != length || !value.starts_with(hash) {
            return Found::Nothing;
        }
        let compiled = value.drain(..head).next_back() == Some(COMPILED);
        Found::Here(if compiled { Source::Image(value) } else { Source::Bytes(value) })
    }

    /// Changes the list. A store that fails leaves it as it is.
    fn list(&self, change: &dyn Fn(&mut Vec<Entry>)) {
        let mut listed = |stored: Option<Vec<u8>>| {
            let mut entries = entries(&stored.unwrap_or_default());
            change(&mut entries);
            Change::Write(entries.into_iter().flat_map(Entry::bytes).collect())
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

impl Entry {
    fn bytes(self) -> [u8; ENTRY] {
        let length = self.length.to_le_bytes();
        let mut bytes = [0; ENTRY];
        let source = [&self.slot].into_iter().chain(&self.hash).chain(&length);
        bytes.iter_mut().zip(source).for_each(|(to, from)| *to = *from);
        bytes
    }
}

fn entries(value: &[u8]) -> Vec<Entry> {
    let entry = |bytes: &[u8; ENTRY]| {
        let (slot, rest) = bytes.split_first()?;
        let (hash, length) = rest.split_first_chunk()?;
        Some(Entry { slot: *slot, hash: *hash, length: u32::from_le_bytes(*length.first_chunk()?) })
    };
    value.as_chunks().0.iter().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cas::fake::FakeSharedData;

    fn hash(number: u8) -> Hash {
        [number; 16]
    }

    fn image(number: u8) -> Source {
        Source::Image(vec![number; 10])
    }

    #[test]
    fn the_last_two_are_there_and_an_older_one_is_not() {
        let store = FakeSharedData::default();
        let images = Images { store: &store, root_id: "certgate" };
        let got = |number| images.get(&hash(number), &|_| true);
        assert_eq!(got(1), Found::Nothing);
        for number in 1..=5 {
            images.put(&hash(number), &image(number), &|_| true);
            images.put(&hash(number), &image(number), &|_| true);
            assert_eq!(got(number), Found::Here(image(number)));
            assert_eq!(got(number - 1) != Found::Nothing, number > 1);
            assert_eq!(got(number.saturating_sub(2)), Found::Nothing);
        }
        assert_eq!(Images { store: &store, root_id: "other" }.get(&hash(5), &|_| true), Found::Nothing);
        assert_eq!(store.values().len(), 3, "two images and their list");
        let plain = Source::Bytes(b"version: 1".to_vec());
        images.put(&hash(6), &plain, &|_| true);
        assert_eq!(got(6), Found::Here(plain));
    }

    #[test]
    fn what_there_is_no_memory_for_and_what_was_overwritten_is_not_got() {
        let store = FakeSharedData::default();
        let images = Images { store: &store, root_id: "certgate" };
        images.put(&hash(1), &Source::Shared, &|_| true);
        images.put(&hash(1), &image(1), &|_| false);
        assert_eq!(images.get(&hash(1), &|_| true), Found::Nothing);
        images.put(&hash(1), &image(1), &|_| true);
        assert_eq!(images.get(&hash(1), &|length| length > 27), Found::TooLarge);
        assert_eq!(images.get(&hash(1), &|length| length == 27), Found::Here(image(1)));
        store.overwrite(&images.key(0), b"something else");
        assert_eq!(images.get(&hash(1), &|_| true), Found::Nothing);
    }

    /// What is in force must not make room for what comes.
    #[test]
    fn one_that_comes_back_is_the_newest_and_no_former_one() {
        let store = FakeSharedData::default();
        let images = Images { store: &store, root_id: "certgate" };
        images.put(&hash(1), &image(1), &|_| true);
        images.put(&hash(2), &image(2), &|_| true);
        images.retire(&hash(1));
        images.retire(&hash(1));
        assert_eq!(images.former(), [hash(1)]);
        assert_eq!(images.get(&hash(1), &|_| true), Found::Here(image(1)));
        assert_eq!(images.former(), [hash(1)], "it was only looked at");
        assert_eq!(images.take(&hash(1), &|_| true), Found::Here(image(1)));
        assert!(images.former().is_empty());
        images.put(&hash(3), &image(3), &|_| true);
        assert_eq!(images.get(&hash(1), &|_| true), Found::Here(image(1)));
        assert_eq!(images.get(&hash(2), &|_| true), Found::Nothing);
        // Also one that no longer lies here, and is put here again.
        images.retire(&hash(2));
        assert_eq!(images.take(&hash(2), &|_| true), Found::Nothing);
        assert!(images.former().is_empty());
        images.retire(&hash(2));
        images.put(&hash(2), &image(2), &|_| true);
        assert!(images.former().is_empty());
    }

    #[test]
    fn the_list_of_former_ones_is_bounded_and_has_the_newest() {
        let store = FakeSharedData::default();
        let images = Images { store: &store, root_id: "certgate" };
        for number in 0..100 {
            images.put(&hash(number), &image(number), &|_| true);
            images.retire(&hash(number.wrapping_sub(1)));
        }
        let former = images.former();
        assert_eq!((former.len(), former.first(), former.last()), (32, Some(&hash(98)), Some(&hash(67))));
    }
}
