//! The configurations that were accepted, as a short list of hashes in shared data. The canary, which can still say no,
//! puts a configuration's hash there; a worker that finds it there says yes without reading the configuration, since
//! what traps inside `on_configure` on a worker makes Envoy skip the filter.

use super::cas::{Store, update_bytes};
use certgate_core::engine::generation::Hash;
use certgate_core::engine::ledger::{Change, Unavailable};

/// Shared data outlive a module, and another one may accept what this one refuses.
#[cfg(not(feature = "bandwidth"))]
const KEY: &str = concat!("certgate:accepted:", env!("CARGO_PKG_VERSION"));
#[cfg(feature = "bandwidth")]
const KEY: &str = concat!("certgate:accepted:", env!("CARGO_PKG_VERSION"), "+bandwidth");

/// So many hashes are kept: 16 KiB, which fit into the memory that was had for a piece of the configuration. One that was
/// forgotten is read again, with the same answer.
const KEPT: usize = 1024;

/// Whether the configuration with this hash was accepted. A store that does not answer has not said so.
pub(super) fn contains(store: &dyn Store, hash: &Hash) -> bool {
    matches!(store.read(KEY), Ok(Some((list, _))) if hashes(&list).contains(hash))
}

/// Remembers that the configuration with this hash was accepted.
pub(super) fn add(store: &dyn Store, hash: &Hash) -> Result<(), Unavailable> {
    let mut added = |stored: Option<Vec<u8>>| {
        let list = stored.unwrap_or_default();
        let older = hashes(&list).iter().filter(|other| *other != hash).take(KEPT.saturating_sub(1));
        Change::Write([hash].into_iter().chain(older).flatten().copied().collect())
    };
    update_bytes(store, KEY, &mut added).map(drop)
}

fn hashes(list: &[u8]) -> &[Hash] {
    list.as_chunks().0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cas::fake::FakeSharedData;

    #[test]
    fn the_newest_are_remembered_and_their_number_is_bounded() {
        let store = FakeSharedData::default();
        let hashes: Vec<Hash> = (0..=u16::MAX).step_by(50).map(hash).collect();
        for hash in &hashes {
            assert!(!contains(&store, hash));
            add(&store, hash).unwrap();
            add(&store, hash).unwrap();
        }
        let kept = hashes.iter().rev().take_while(|hash| contains(&store, hash)).count();
        assert_eq!(kept, KEPT);
        assert!(!contains(&store, &hashes[0]));
        assert_eq!(store.values()[KEY].len(), KEPT.saturating_mul(size_of::<Hash>()));
    }

    fn hash(number: u16) -> Hash {
        let mut hash = [7; 16];
        hash[..2].copy_from_slice(&number.to_le_bytes());
        hash
    }
}
