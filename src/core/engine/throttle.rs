//! What a request costs, from each limit of its client's tier, or nothing from any.

use super::Engine;
use super::account::Account;
use super::effective_limits::EffectiveLimits;
use super::generation::Numbering;
use super::host::{Clock, Host, HostFailure};
use super::ledger::{Change, Entry, Ledger};
use crate::calendar;
use crate::domain::bucket::{Balance, Buckets, Take};
use crate::domain::decision::Reason;
use crate::domain::level::Occasion;
use crate::domain::limit::Limit;
use crate::domain::quota::Period;
use crate::domain::time::UnixSeconds;

/// A client's buckets as they were decided on, and when.
pub(super) struct Draw<'e> {
    /// The limits that apply.
    pub(super) effective: EffectiveLimits<'e>,
    pub(super) take: Take,
    buckets: Buckets,
    pub(super) at: Occasion,
}

impl<'e> Draw<'e> {
    /// What the limit holds after it.
    pub(super) fn balance(&self, limit: &Limit) -> Balance {
        self.buckets.balance(limit, &self.at)
    }

    /// The limits that did not hold what the request costs.
    pub(super) fn short(&self) -> impl Iterator<Item = &'e Limit> {
        let limits = self.effective.limits();
        self.take.short.iter().filter_map(move |place| limits.get(*place))
    }
}

impl AsRef<[u8]> for Draw<'_> {
    fn as_ref(&self) -> &[u8] {
        self.buckets.as_bytes()
    }
}

impl Engine {
    /// Takes what a request with this method of the client with this alias costs; `None` if it costs nothing.
    pub(super) fn throttle<'e>(
        &'e self,
        host: &impl Host,
        account: &Account,
        alias: Option<&str>,
        method: &[u8],
        wall: UnixSeconds,
    ) -> Result<Option<Draw<'e>>, Reason> {
        let effective = self.limit_lists.find(account.tier, account.rule);
        let limits = effective.limits();
        if limits.is_empty() {
            return Ok(None);
        }
        if effective.by_calendar() && calendar::window(Period::Hour, wall).is_none() {
            return Err(Reason::Internal);
        }
        let draw = |stored| {
            let (mut buckets, at) = read(&self.numbering, host, host, stored, wall)?;
            let take = buckets.take(limits, method, &at);
            let changed = buckets.changed();
            let draw = Draw { effective, take, buckets, at };
            Ok(if changed { Change::Write(draw) } else { Change::Keep(draw) })
        };
        host.update(Entry::buckets_of(alias), draw).map(Some)
    }
}

/// The buckets in a stored value, and the occasion to ask them on under the configuration with this number.
pub(super) fn read(
    numbering: &Numbering,
    ledger: &impl Ledger,
    clock: &impl Clock,
    stored: Option<Vec<u8>>,
    wall: UnixSeconds,
) -> Result<(Buckets, Occasion), HostFailure> {
    // Read after the buckets, so that no worker's time in it is ahead by more than the call takes.
    let monotonic = clock.monotonic()?;
    let buckets = stored.map_or_else(Buckets::default, |bytes| Buckets::from_stored(bytes, monotonic, wall));
    if buckets.newest() > numbering.current() {
        numbering.refresh(ledger);
    }
    let (started, generation) = (numbering.started(), numbering.current());
    Ok((buckets, Occasion { monotonic, wall, calendar: calendar::window, started, generation }))
}
