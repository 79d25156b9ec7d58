//! The limits of a policy: which of them apply to a request, and what it is charged.

mod byte_count;
mod charge;
mod effective_limits;
pub mod generation;
mod limit_balance;
mod response_headers;
mod stored;

pub use byte_count::{ByteCount, Uncharged};
pub use charge::Charge;
pub use limit_balance::LimitBalance;
pub use response_headers::ResponseHeaders;

use super::host::Clock;
use super::ledger::{Change, Entry, Ledger};
use crate::calendar;
use crate::domain::cause::{Cause, Refusal};
use crate::domain::client::TierIndex;
use crate::domain::policy::{Policy, RateLimitHeaders};
use crate::domain::quota::Period;
use crate::domain::rules::RuleIndex;
use crate::domain::time::UnixSeconds;
use charge::ChargedBuckets;
use effective_limits::LimitLists;
use generation::GenerationCounter;
use std::sync::Arc;

/// The limits of one policy.
pub(super) struct LimitPolicy {
    lists: LimitLists,
    generation: Arc<GenerationCounter>,
    headers: RateLimitHeaders,
}

/// The buckets that a request is charged to, and the limits that count it.
#[derive(Clone, Copy)]
pub(super) struct Account<'a> {
    /// The alias of the client; none: the buckets that all callers without a client share.
    pub(super) alias: Option<&'a str>,
    /// The tier in which the request counts.
    pub(super) tier: Option<TierIndex>,
    /// The rule that decides the request.
    pub(super) rule: Option<RuleIndex>,
}

impl LimitPolicy {
    /// The limits of this policy, which is the configuration with this generation.
    pub(super) fn new(policy: &Policy, generation: Arc<GenerationCounter>) -> Self {
        Self { lists: LimitLists::of(policy), generation, headers: policy.rate_limit_headers }
    }

    /// The generation of the configuration.
    pub(super) fn generation(&self) -> &Arc<GenerationCounter> {
        &self.generation
    }

    /// Charges all limits that apply for a request with this method, or none of them. `charge` stays as it is if no limit
    /// applies.
    pub(super) fn charge<'e>(
        &'e self,
        ledger: &impl Ledger,
        clock: &impl Clock,
        account: Account<'_>,
        (method, wall): (&[u8], UnixSeconds),
        charge: &mut Option<Charge<'e>>,
    ) -> Result<(), Refusal> {
        let effective = self.lists.find(account.tier, account.rule);
        let limits = effective.limits();
        if limits.is_empty() {
            return Ok(());
        }
        if effective.by_calendar() && calendar::window(Period::Hour, wall).is_none() {
            return Err(Cause::HostCallFailed.into());
        }
        let compute = |stored| {
            let (mut buckets, at) = stored::read(&self.generation, ledger, clock, stored, wall)?;
            let charged = buckets.charge(limits, method, &at);
            let changed = buckets.changed();
            let after = ChargedBuckets { charged, buckets, at };
            Ok::<_, Refusal>(if changed { Change::Write(after) } else { Change::Keep(after) })
        };
        let after = ledger.update(Entry::buckets_of(account.alias), compute)?;
        *charge = Some(Charge::new(effective, &self.generation, self.headers, after));
        Ok(())
    }
}
