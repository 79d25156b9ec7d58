//! Which configuration is in force, as all workers see it: its number and its hash, in one shared value. The number
//! never belongs to the hash: an old configuration that is pushed again must be the newest.

use super::host::Store;
use super::swap::{Change, Unavailable, update};
use crate::domain::bucket::Generation;

/// SHA-256 of a configuration's bytes.
pub type Hash = [u8; 32];

/// A configuration's number, and whether it is new with this worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenUp {
    /// The number.
    pub generation: Generation,
    /// No other worker had it before.
    pub first: bool,
}

/// Makes the configuration with this hash the one in force: the same one keeps its number, another one gets the next.
///
/// The value is the number (u64, little-endian) and the hash. The number stays its first eight bytes in every version,
/// since buckets outlive the module that counted them.
pub fn take_up(store: &impl Store, key: &str, hash: &Hash) -> Result<TakenUp, Unavailable> {
    let mut first = false;
    let value = update(store, key, |stored| next(stored.as_deref(), hash, &mut first), || ())?;
    Ok(TakenUp { generation: number(&value), first })
}

fn next(stored: Option<&[u8]>, hash: &Hash, first: &mut bool) -> Change<Vec<u8>> {
    let stored = stored.unwrap_or_default();
    *first = stored.get(8..) != Some(hash);
    if !*first {
        return Change::Keep(stored.to_vec());
    }
    let next = number(stored).0.saturating_add(1);
    Change::Write([&next.to_le_bytes()[..], hash].concat())
}

fn number(value: &[u8]) -> Generation {
    Generation(value.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)))
}
