//! Compiled configurations in shared data, so that the canary compiles and the workers only take up. There are two for each
//! `root_id`, the one that is in force and the one that comes; whoever finds none reads the configuration itself.

use crate::engine::generation::Hash;
use crate::engine::host::Store;
use crate::engine::swap::{Change, update};

/// Shared data outlive a module, and another version may write another image.
const PREFIX: &str = concat!("certgate:image:", env!("CARGO_PKG_VERSION"), ":");

/// The images of one `root_id`.
pub(super) struct Images<'s, S> {
    pub(super) store: &'s S,
    pub(super) root_id: &'s str,
}

/// Which image lies in which slot: the newer first.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    slot: u8,
    hash: Hash,
    length: u32,
}

const ENTRY: usize = 21;

impl<S: Store> Images<'_, S> {
    /// Puts an image where the older one lies. One that cannot be put there is read from the configuration instead.
    pub(super) fn put(&self, hash: &Hash, image: &[u8]) {
        let Ok(length) = u32::try_from(image.len()) else { return };
        let older = self.entries().into_iter().find(|entry| entry.hash != *hash);
        let slot = older.map_or(0, |newest| 1_u8.saturating_sub(newest.slot));
        let value = [hash.as_slice(), image].concat();
        if update(self.store, &self.key(slot), |_| Change::Write(&value), || ()).is_err() {
            return;
        }
        let entry = Entry { slot, hash: *hash, length };
        let listed = |stored: Option<Vec<u8>>| {
            let others = entries(&stored.unwrap_or_default()).into_iter().filter(|other| other.slot != slot);
            Change::Write([entry].into_iter().chain(others).flat_map(Entry::bytes).collect::<Vec<u8>>())
        };
        let _ = update(self.store, &self.index(), listed, || ());
    }

    /// The image of the configuration with this hash. `reserve` says whether there is memory for so many bytes.
    pub(super) fn get(&self, hash: &Hash, reserve: impl FnOnce(usize) -> bool) -> Option<Vec<u8>> {
        let entry = self.entries().into_iter().find(|entry| entry.hash == *hash)?;
        let length = usize::try_from(entry.length).ok()?.checked_add(hash.len())?;
        if !reserve(length) {
            return None;
        }
        let (mut value, _) = self.store.read(&self.key(entry.slot)).ok()??;
        // It may have been overwritten since it was listed.
        if value.len() != length || !value.starts_with(hash) {
            return None;
        }
        drop(value.drain(..hash.len()));
        Some(value)
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
    use crate::engine::fakes::FakeStore;

    fn hash(number: u8) -> Hash {
        [number; 16]
    }

    #[test]
    fn the_last_two_are_there_and_an_older_one_is_not() {
        let store = FakeStore::default();
        let images = Images { store: &store, root_id: "certgate" };
        let got = |number| images.get(&hash(number), |_| true);
        assert_eq!(got(1), None);
        for number in 1..=5 {
            images.put(&hash(number), &[number; 10]);
            images.put(&hash(number), &[number; 10]);
            assert_eq!(got(number), Some(vec![number; 10]));
            assert_eq!(got(number - 1).is_some(), number > 1);
            assert_eq!(got(number.saturating_sub(2)), None);
        }
        assert_eq!(Images { store: &store, root_id: "other" }.get(&hash(5), |_| true), None);
        assert_eq!(store.values().len(), 3, "two images and their list");
    }

    #[test]
    fn what_there_is_no_memory_for_and_what_was_overwritten_is_not_got() {
        let store = FakeStore::default();
        let images = Images { store: &store, root_id: "certgate" };
        images.put(&hash(1), b"image");
        assert_eq!(images.get(&hash(1), |length| length > 21), None);
        assert_eq!(images.get(&hash(1), |length| length == 21), Some(b"image".to_vec()));
        store.overwrite(&images.key(0), b"something else");
        assert_eq!(images.get(&hash(1), |_| true), None);
    }
}
