//! The tier that admits the fewest requests.

use crate::domain::client::Tier;
use crate::domain::limit::{Kind, Limit};
use crate::domain::mode::Mode;
use crate::domain::name::Name;
use crate::domain::time::Nanos;

/// The tier whose strictest enforced limit admits the fewest requests in the long run.
pub(super) fn strictest_tier(tiers: &[Tier]) -> Option<&Name> {
    let strictness = |tier: &&Tier| {
        let enforced = tier.limits.iter().filter(|limit| limit.mode == Mode::Enforce);
        enforced.map(nanos_between_requests).max()
    };
    tiers.iter().max_by_key(strictness).map(|tier| &tier.name)
}

/// The time between two requests that a limit admits in the long run, in nanoseconds.
fn nanos_between_requests(limit: &Limit) -> u64 {
    match limit.kind {
        Kind::TokenBucket(rate) => rate.span(1).0,
        Kind::Quota(quota) => {
            let Nanos(window) = quota.period.longest();
            window.checked_div(quota.requests.get()).unwrap_or(0)
        }
    }
}
