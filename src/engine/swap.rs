//! Read, compute, compare-and-swap, and again while others are quicker: the one way in which shared values change.

use super::host::{Expected, HostFailure, Store, Swap};
use crate::domain::decision::Reason;
use std::borrow::Cow;

/// How often a swap is tried before the store counts as unavailable. In each round of rivals one succeeds, so this is
/// reached by a store that refuses, not by workers that compete.
const ATTEMPTS: usize = 100;

/// What is to become of a shared value.
pub enum Change<T> {
    /// It stays as it is.
    Keep(T),
    /// It becomes these bytes.
    Write(T),
}

/// The store does not answer, or kept refusing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// A call failed.
    #[error(transparent)]
    Failed(#[from] HostFailure),
    /// Each swap came too late.
    #[error("{ATTEMPTS} swaps in a row came too late")]
    Contended,
}

impl From<Unavailable> for Reason {
    fn from(_: Unavailable) -> Self {
        Self::StoreUnavailable
    }
}

/// [`update`] for values that no request changes: compiled once, whatever computes them.
pub fn update_bytes<'v>(
    store: &dyn Store,
    key: &str,
    compute: &mut dyn FnMut(Option<Vec<u8>>) -> Change<Cow<'v, [u8]>>,
) -> Result<Cow<'v, [u8]>, Unavailable> {
    update(store, key, |stored| Ok(compute(stored)))
}

/// Changes the value under `key` as `compute` says, which may run again and so must not do anything but compute. Nothing
/// changes if it fails.
pub fn update<T: AsRef<[u8]>, E: From<Unavailable>>(
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
