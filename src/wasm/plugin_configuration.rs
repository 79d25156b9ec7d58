//! The plugin configuration, read from Envoy inside `on_configure`, in memory that is there: an allocation that fails
//! would trap, and a trap there makes Envoy skip the filter.

use super::abi;
use certgate_core::engine::generation::Hash;
use certgate_core::engine::host::HostFailure;
use std::hint::black_box;
use xxhash_rust::xxh3::Xxh3;

/// The configuration is read in pieces of this size, in bytes. Envoy asks the module for the memory of each piece, and
/// the module can only trap where it has none; therefore no piece is large.
pub(super) const PIECE: usize = 65_536;

/// The reason of a read that found no memory.
pub(super) const NO_MEMORY: &str = "there is no memory for the configuration";

/// Whether the next allocation of `size` bytes, which may be Envoy's, will succeed. Allocates and frees them;
/// `black_box` keeps the optimiser from removing both.
pub(super) fn reserve(size: usize) -> bool {
    let mut memory = Vec::<u8>::new();
    let reserved = memory.try_reserve_exact(size).is_ok();
    drop(black_box(memory));
    reserved
}

/// The hash of the configuration, which has `size` bytes.
pub(super) fn hash(size: usize) -> Result<Hash, &'static str> {
    let mut hash = Xxh3::new();
    pieces(size, |piece| hash.update(&piece))?;
    Ok(hash.digest128().to_le_bytes())
}

/// The configuration, which has `size` bytes.
pub(super) fn read(size: usize) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|_| NO_MEMORY)?;
    pieces(size, |piece| bytes.extend(piece))?;
    Ok(bytes)
}

fn pieces(size: usize, mut take: impl FnMut(Vec<u8>)) -> Result<(), &'static str> {
    let mut start: usize = 0;
    while start < size {
        if !reserve(PIECE) {
            return Err(NO_MEMORY);
        }
        let wanted = size.saturating_sub(start).min(PIECE);
        let piece = abi::configuration(start, wanted).map_err(|_| "Envoy does not hand the configuration over")?;
        if piece.is_empty() {
            return Err("the configuration is shorter than Envoy says");
        }
        start = start.saturating_add(piece.len());
        take(piece);
    }
    Ok(())
}

/// The `root_id` of the plugin, which tells it from others with the same `vm_id`.
pub(super) fn root_id() -> Result<String, HostFailure> {
    let root_id = abi::property("plugin_root_id")?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&root_id).into_owned())
}
