//! One token from each limit of a client's tier, or none from any.

use super::Engine;
use super::host::Host;
use super::swap::{Change, Unavailable, update};
use crate::domain::bucket::{Buckets, Take};
use crate::domain::registry::Entry;
use crate::domain::time::Nanos;

/// A client's buckets as they were decided on, and when.
pub(super) struct Draw {
    pub(super) buckets: Buckets,
    pub(super) now: Nanos,
    pub(super) take: Take,
}

impl AsRef<[u8]> for Draw {
    fn as_ref(&self) -> &[u8] {
        self.buckets.as_bytes()
    }
}

impl Engine {
    /// Takes the request's tokens; `None` if it needs none.
    pub(super) fn throttle(&self, host: &impl Host, entry: &Entry<'_>) -> Result<Option<Draw>, Unavailable> {
        let Some(key) = self.keys.get(entry.client_index.0).filter(|_| !entry.tier.limits.is_empty()) else {
            return Ok(None);
        };
        let draw = |stored: Option<Vec<u8>>| {
            // Read after the store, so that no worker's time in it is ahead by more than the call takes.
            let now = host.monotonic();
            let mut buckets = stored.map_or_else(Buckets::default, |bytes| Buckets::from_stored(bytes, now));
            let take = buckets.take(&entry.tier.limits, now, self.generation);
            let changed = take == Take::Taken || buckets.replaced();
            let draw = Draw { buckets, now, take };
            if changed { Change::Write(draw) } else { Change::Keep(draw) }
        };
        update(host, key, draw, || host.store_conflict()).map(Some)
    }
}
