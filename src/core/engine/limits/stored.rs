//! A client's buckets, as they are stored.

use super::generation::GenerationCounter;
use crate::calendar;
use crate::domain::bucket::Buckets;
use crate::domain::limit_state::CountingContext;
use crate::domain::time::UnixSeconds;
use crate::engine::host::{Clock, HostFailure};
use crate::engine::ledger::Ledger;

/// The buckets in a stored value, and the context in which they are charged now under this configuration.
pub(super) fn read(
    generation: &GenerationCounter,
    ledger: &impl Ledger,
    clock: &impl Clock,
    stored: Option<Vec<u8>>,
    wall: UnixSeconds,
) -> Result<(Buckets, CountingContext), HostFailure> {
    // The clock is read after the buckets, so that no worker's time in them is ahead by more than the call takes.
    let monotonic = clock.monotonic()?;
    let buckets = stored.map_or_else(Buckets::default, |bytes| Buckets::from_stored(bytes, monotonic, wall));
    if buckets.newest() > generation.current() {
        generation.refresh(ledger);
    }
    let (started, generation) = (generation.started(), generation.current());
    Ok((buckets, CountingContext { monotonic, wall, calendar: calendar::window, started, generation }))
}
