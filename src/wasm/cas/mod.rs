//! Compare-and-swap on Envoy's shared data: read, compute, swap, and again after a conflict. All changes of shared data
//! go through here.

#[cfg(test)]
pub(super) mod fake;
#[cfg(test)]
mod model;

use certgate_core::engine::host::HostFailure;
use certgate_core::engine::ledger::{Change, Unavailable};
use std::borrow::Cow;

/// Swaps that are tried before the store counts as unavailable. In each round of competing workers one succeeds, so only
/// a store that refuses reaches this number.
const ATTEMPTS: usize = 100;

/// The version of a stored value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version(pub(super) u32);

/// The value that a swap expects to replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// Nothing: the key does not exist yet.
    Absent,
    /// The value that was read with this version.
    Version(Version),
}

/// The outcome of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Swap {
    /// The value is stored.
    Done,
    /// Another worker changed the value first; nothing is stored.
    Conflict,
}

/// Values that all VMs share and change by compare-and-swap.
pub(super) trait Store {
    /// The value of `key` and its version; `None` if the key does not exist.
    fn read(&self, key: &str) -> Result<Option<(Vec<u8>, Version)>, HostFailure>;
    /// Stores `value` under `key` if the stored value is the `expected` one.
    fn swap(&self, key: &str, value: &[u8], expected: Expected) -> Result<Swap, HostFailure>;
    /// Is called for a value that another worker changed between read and swap.
    fn conflict(&self) {}
}

/// [`update`] for values that no request changes. Not generic, so that the module has it once.
pub(super) fn update_bytes<'v>(
    store: &dyn Store,
    key: &str,
    compute: &mut dyn FnMut(Option<Vec<u8>>) -> Change<Cow<'v, [u8]>>,
) -> Result<Cow<'v, [u8]>, Unavailable> {
    update(store, key, |stored| Ok(compute(stored)))
}

/// Changes the value under `key` to the result of `compute`. `compute` may run several times and must have no other effect.
/// The value does not change if it fails.
pub(super) fn update<T: AsRef<[u8]>, E: From<Unavailable>>(
    store: &(impl Store + ?Sized),
    key: &str,
    mut compute: impl FnMut(Option<Vec<u8>>) -> Result<Change<T>, E>,
) -> Result<T, E> {
    for _ in 0..ATTEMPTS {
        let (stored, expected) = match store.read(key).map_err(Unavailable::from)? {
            Some((bytes, version)) => (Some(bytes), Expected::Version(version)),
            None => (None, Expected::Absent),
        };
        let changed = match compute(stored)? {
            Change::Keep(unchanged) => return Ok(unchanged),
            Change::Write(changed) => changed,
        };
        match store.swap(key, changed.as_ref(), expected).map_err(Unavailable::from)? {
            Swap::Done => return Ok(changed),
            Swap::Conflict => store.conflict(),
        }
    }
    Err(Unavailable::Contended.into())
}
