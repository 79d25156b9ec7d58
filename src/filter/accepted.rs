//! The configurations that were accepted, as a short list of hashes in shared data. The canary, which can still say no,
//! puts a configuration's hash there; a worker that finds it there says yes without reading the configuration, since
//! what traps inside `on_configure` on a worker makes Envoy skip the filter.

use crate::engine::generation::Hash;
use crate::engine::host::Store;
use crate::engine::swap::{Change, Unavailable, update};

/// Shared data outlive a module, and another version may accept what this one refuses.
const KEY: &str = concat!("certgate:accepted:", env!("CARGO_PKG_VERSION"));

/// So many hashes are kept. A configuration that was forgotten is read again, with the same answer.
const KEPT: usize = 64;

/// Whether the configuration with this hash was accepted. A store that does not answer has not said so.
pub(super) fn contains(store: &impl Store, hash: &Hash) -> bool {
    matches!(store.read(KEY), Ok(Some((list, _))) if hashes(&list).contains(hash))
}

/// Remembers that the configuration with this hash was accepted.
pub(super) fn add(store: &impl Store, hash: &Hash) -> Result<(), Unavailable> {
    let added = |stored: Option<Vec<u8>>| {
        let list = stored.unwrap_or_default();
        let older = hashes(&list).iter().filter(|other| *other != hash).take(KEPT.saturating_sub(1));
        Change::Write([hash].into_iter().chain(older).flatten().copied().collect::<Vec<u8>>())
    };
    update(store, KEY, added, || ()).map(drop)
}

fn hashes(list: &[u8]) -> &[Hash] {
    list.as_chunks().0
}
