//! The charge of one request: the buckets after it, and the limits that did not hold what it costs.

use super::byte_count::ByteCount;
use super::effective_limits::EffectiveLimits;
use super::generation::GenerationCounter;
use super::limit_balance::LimitBalance;
use super::response_headers::{self, ResponseHeaders};
use crate::domain::bucket::{Buckets, Charged};
use crate::domain::limit::Limit;
use crate::domain::limit_state::CountingContext;
use crate::domain::limits::ExceededLimits;
use crate::domain::policy::RateLimitHeaders;
use crate::domain::time::Nanos;
use std::sync::Arc;

/// A time that no client can measure over a network: a millisecond.
const UNMEASURABLE: Nanos = Nanos(1_000_000);

/// The charge of one request.
pub struct Charge<'e> {
    effective: EffectiveLimits<'e>,
    generation: &'e Arc<GenerationCounter>,
    headers: RateLimitHeaders,
    after: ChargedBuckets,
}

/// The buckets after a request was charged to them. Apart from what is known before, since a ledger hands it on.
pub(super) struct ChargedBuckets {
    pub(super) charged: Charged,
    pub(super) buckets: Buckets,
    pub(super) at: CountingContext,
}

impl AsRef<[u8]> for ChargedBuckets {
    fn as_ref(&self) -> &[u8] {
        self.buckets.as_bytes()
    }
}

impl<'e> Charge<'e> {
    pub(super) fn new(
        effective: EffectiveLimits<'e>,
        generation: &'e Arc<GenerationCounter>,
        headers: RateLimitHeaders,
        after: ChargedBuckets,
    ) -> Self {
        Self { effective, generation, headers, after }
    }

    /// Whether an enforced limit did not hold what the request costs. Then nothing was taken from any limit.
    pub fn is_denied(&self) -> bool {
        !self.after.charged.is_allowed()
    }

    /// The time after which all enforced limits hold what the request costs; zero if they do.
    pub fn retry_after(&self) -> Nanos {
        self.after.charged.retry_after()
    }

    /// [`Self::retry_after`] in whole seconds. The rounding of a limit's interval is left out where it is less than a
    /// client can measure.
    pub fn retry_after_seconds(&self) -> u64 {
        let rounding = self.exceeded().map(|limit| limit.rounding).max().unwrap_or_default();
        self.retry_after().since(Nanos(rounding.into()).min(UNMEASURABLE)).ceil_seconds().max(1)
    }

    /// The limits that did not hold what the request costs, enforced or not.
    pub fn exceeded(&self) -> impl Iterator<Item = &'e Limit> {
        let limits = self.effective.limits();
        self.after.charged.exceeded.iter().filter_map(move |index| limits.get(*index))
    }

    /// The limits that did not hold what the request costs, for a log line.
    pub(in crate::engine) fn exceeded_limits(&self) -> ExceededLimits<'_> {
        ExceededLimits { limits: self.effective.limits(), indexes: &self.after.charged.exceeded }
    }

    /// The limits that apply, those of the tier before those of the rule, each with its balance.
    pub fn balances(&self) -> impl Iterator<Item = LimitBalance<'e>> {
        self.effective.limits().iter().enumerate().map(|(index, limit)| self.balance(index, limit))
    }

    fn balance(&self, index: usize, limit: &'e Limit) -> LimitBalance<'e> {
        let balance = self.after.buckets.balance(limit, &self.after.at);
        LimitBalance { limit, balance, exceeded: self.after.charged.exceeded.contains(&index) }
    }

    /// The rate-limit fields of the response, as the policy wants them.
    pub(in crate::engine) fn response_headers(&self) -> Option<ResponseHeaders> {
        match self.headers {
            RateLimitHeaders::Off => None,
            RateLimitHeaders::Legacy => ResponseHeaders::legacy(self.balances()),
            RateLimitHeaders::Ietf => Some(ResponseHeaders::ietf(self.effective.policy(), self.balances())),
        }
    }

    /// The value of [`LIMIT_WARNING`](crate::domain::headers::LIMIT_WARNING); `None` if no limit is exceeded or warns.
    pub(in crate::engine) fn warning(&self) -> Option<String> {
        // Most requests have no such limit.
        if !self.effective.warns() && self.after.charged.exceeded.is_empty() {
            return None;
        }
        // A balance is computed only for these limits.
        let warns =
            |(index, limit): &(usize, &Limit)| limit.warn_at.is_some() || self.after.charged.exceeded.contains(index);
        let limits = self.effective.limits().iter().enumerate().filter(warns);
        response_headers::warning(limits.map(|(index, limit)| self.balance(index, limit)))
    }

    /// The byte count of a request that goes on, of the client with this alias; `None` if no limit counts bytes.
    pub(in crate::engine) fn byte_count(&self, alias: Option<&str>) -> Option<Box<ByteCount>> {
        self.effective.by_bytes().then(|| {
            let (limits, exempt) = (self.effective.shared(), self.after.charged.exceeded.clone());
            Box::new(ByteCount::new(limits, exempt, alias, Arc::clone(self.generation), self.after.at.monotonic))
        })
    }
}
