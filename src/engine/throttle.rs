//! One token from each limit of a client's tier, or none from any.

use super::Engine;
use super::host::Host;
use super::swap::{Change, Unavailable, update};
use crate::domain::bucket::{Balance, Buckets, Generation, Take};
use crate::domain::limit::Limit;
use crate::domain::registry::Entry;
use crate::domain::time::Nanos;

/// A client's buckets as they were decided on, and when.
pub(super) struct Draw {
    pub(super) take: Take,
    buckets: Buckets,
    now: Nanos,
    generation: Generation,
}

impl Draw {
    /// What the limit's bucket holds after it.
    pub(super) fn balance(&self, limit: &Limit) -> Balance {
        self.buckets.balance(limit, self.now, self.generation)
    }
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
            if buckets.newest() > self.numbering.current() {
                self.numbering.refresh(host);
            }
            let generation = self.numbering.current();
            let take = buckets.take(&entry.tier.limits, now, generation);
            let changed = take == Take::Taken || buckets.replaced();
            let draw = Draw { take, buckets, now, generation };
            if changed { Change::Write(draw) } else { Change::Keep(draw) }
        };
        update(host, key, draw, || host.store_conflict()).map(Some)
    }
}
