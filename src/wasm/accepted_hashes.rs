//! The hashes of the accepted configurations, in shared data. The canary, which can still refuse, adds the hash of a
//! configuration that it accepts. A worker that finds the hash accepts without reading the configuration, since a trap
//! inside `on_configure` on a worker makes Envoy skip the filter.

use super::cas::{Store, update_bytes};
use certgate_core::engine::generation::Hash;
use certgate_core::engine::ledger::{Change, Unavailable};

/// The key has the version and the features of the module: shared data outlive it, and another module may accept what
/// this one refuses.
#[cfg(not(feature = "bandwidth"))]
const KEY: &str = concat!("certgate:accepted:", env!("CARGO_PKG_VERSION"));
#[cfg(feature = "bandwidth")]
const KEY: &str = concat!("certgate:accepted:", env!("CARGO_PKG_VERSION"), "+bandwidth");

/// The most hashes that are kept: 16 KiB, which fit into the memory that was reserved for a piece of the configuration. A
/// configuration whose hash was dropped is read again, with the same answer.
const KEPT: usize = 1024;

/// The list of the accepted configurations, the newest first.
pub(super) struct AcceptedHashes<'s> {
    pub(super) store: &'s dyn Store,
}

impl AcceptedHashes<'_> {
    /// Whether the configuration with this hash was accepted; `false` if the store fails.
    pub(super) fn contains(&self, hash: &Hash) -> bool {
        matches!(self.store.read(KEY), Ok(Some((list, _))) if hashes(&list).contains(hash))
    }

    /// Adds the hash of an accepted configuration.
    pub(super) fn add(&self, hash: &Hash) -> Result<(), Unavailable> {
        let mut added = |stored: Option<Vec<u8>>| {
            let list = stored.unwrap_or_default();
            let older = hashes(&list).iter().filter(|other| *other != hash).take(KEPT.saturating_sub(1));
            Change::Write([hash].into_iter().chain(older).flatten().copied().collect())
        };
        update_bytes(self.store, KEY, &mut added).map(drop)
    }
}

fn hashes(list: &[u8]) -> &[Hash] {
    list.as_chunks().0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cas::fake::FakeSharedData;

    #[test]
    fn the_newest_hashes_are_kept_and_their_number_is_bounded() {
        let store = FakeSharedData::default();
        let accepted = AcceptedHashes { store: &store };
        let hashes: Vec<Hash> = (0..=u16::MAX).step_by(50).map(hash).collect();
        for hash in &hashes {
            assert!(!accepted.contains(hash));
            accepted.add(hash).unwrap();
            accepted.add(hash).unwrap();
        }
        let kept = hashes.iter().rev().take_while(|hash| accepted.contains(hash)).count();
        assert_eq!(kept, KEPT);
        assert!(!accepted.contains(&hashes[0]));
        assert_eq!(store.values()[KEY].len(), KEPT.saturating_mul(size_of::<Hash>()));
    }

    fn hash(number: u16) -> Hash {
        let mut hash = [7; 16];
        hash[..2].copy_from_slice(&number.to_le_bytes());
        hash
    }
}
