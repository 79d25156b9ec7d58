//! Bandwidth: the bytes of bodies, taken from the limits that count them while they pass. A request needs only something
//! left when it begins; so at most `burst + rate x t` passes, and what the streams carry that were open when it ran dry.

use super::Engine;
use super::generation::Numbering;
use super::host::Clock;
use super::ledger::{Change, Entry, Ledger, Unavailable};
use super::throttle::{self, Draw};
use crate::domain::limit::Limit;
use crate::domain::limits::Limits;
use crate::domain::time::Nanos;
use std::sync::Arc;

/// So many bytes of a stream are charged at once, however quickly they come.
const MOST: u64 = 1 << 20;

/// Bytes that come later than this after the last charge are charged at once.
const LONGEST: Nanos = Nanos(Nanos::PER_SECOND);

/// One request's bytes. It has what it needs of its engine, which may go before the stream ends.
#[derive(Debug)]
pub struct Meter {
    /// The limits of the tier, then those of the rule.
    limits: [Arc<[Limit]>; 2],
    numbering: Arc<Numbering>,
    /// The client whose buckets are charged; none: those that all callers without a client share.
    alias: Option<Box<str>>,
    /// The limits in shadow that held nothing when it began, which give nothing, by place.
    spared: Vec<usize>,
    /// Passed, and not charged yet.
    passed: u64,
    charged_at: Nanos,
}

impl Engine {
    /// The meter for a request with this draw, of the client with this alias, that has begun now; `None` if nothing
    /// counts its bytes.
    pub(super) fn meter(&self, alias: Option<&str>, draw: &Draw<'_>) -> Option<Box<Meter>> {
        if !draw.effective.by_bytes() {
            return None;
        }
        Some(Box::new(Meter {
            limits: draw.effective.shared(),
            numbering: Arc::clone(&self.numbering),
            alias: alias.map(Into::into),
            spared: draw.take.short.clone(),
            passed: 0,
            charged_at: draw.at.monotonic,
        }))
    }
}

impl Meter {
    /// Counts bytes that pass, and charges for them once they are many or it is time.
    pub fn pass(&mut self, ledger: &impl Ledger, clock: &impl Clock, bytes: u64) {
        self.passed = self.passed.saturating_add(bytes);
        // Without a clock it is always time.
        let now = clock.monotonic().ok();
        if self.passed >= MOST || now.is_none_or(|now| now.since(self.charged_at) >= LONGEST) {
            self.charged_at = now.unwrap_or(self.charged_at);
            self.settle(ledger, clock);
        }
    }

    /// Charges for what has passed. If the store or a clock fails, it stays to be charged; so many bytes.
    pub fn settle(&mut self, ledger: &impl Ledger, clock: &impl Clock) -> u64 {
        if self.passed == 0 {
            return 0;
        }
        if self.charge(ledger, clock).is_ok() {
            self.passed = 0;
        }
        self.passed
    }

    fn charge(&self, ledger: &impl Ledger, clock: &impl Clock) -> Result<(), Unavailable> {
        let wall = clock.wall()?;
        let [tier, rule] = &self.limits;
        let charge = |stored| {
            let (mut buckets, at) = throttle::read(&self.numbering, ledger, clock, stored, wall)?;
            buckets.charge(Limits::new(tier, rule), &self.spared, self.passed, &at);
            Ok(Change::Write(buckets))
        };
        ledger.update(Entry::buckets_of(self.alias.as_deref()), charge).map(drop)
    }
}
