//! The port to the values that all workers of a plugin share: the clients' buckets and the configuration's generation.

use super::host::HostFailure;
use crate::domain::cause::{Cause, Refusal};

/// The name of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry<'a> {
    /// The buckets of the client with this alias.
    Client(&'a str),
    /// The buckets that all callers without a client share.
    Anonymous,
    /// The generation of the active configuration, with its hash.
    Generation,
}

impl<'a> Entry<'a> {
    /// The buckets that a request of the client with this alias is charged to, or of a caller without a client.
    pub fn buckets_of(alias: Option<&'a str>) -> Self {
        alias.map_or(Self::Anonymous, Self::Client)
    }
}

/// The outcome of a computation on a value.
pub enum Change<T> {
    /// The value stays as it is.
    Keep(T),
    /// The value becomes these bytes.
    Write(T),
}

/// A value cannot be had, or cannot be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// A call into the host failed.
    #[error(transparent)]
    Failed(#[from] HostFailure),
    /// Other workers changed the value each time before this one could.
    #[error("other workers kept changing a shared value")]
    Contended,
}

impl From<Unavailable> for Refusal {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable {
            Unavailable::Failed(_) => Cause::StoreFailed.into(),
            Unavailable::Contended => Cause::StoreContended.into(),
        }
    }
}

/// The values that all workers of a plugin share.
pub trait Ledger {
    /// Changes a value as `compute` says of what it is now (`None` where nothing was stored), with no other change in
    /// between. `compute` may run again, so it does nothing but compute. Nothing changes where `compute` fails.
    fn update<T: AsRef<[u8]>, E: From<Unavailable>>(
        &self,
        entry: Entry<'_>,
        compute: impl FnMut(Option<Vec<u8>>) -> Result<Change<T>, E>,
    ) -> Result<T, E>;
}
