//! Bandwidth: the bytes of both bodies of a stream, charged to the limits of bytes while they pass. A request is admitted
//! if these limits hold anything when it begins. So at most `burst + rate x t` passes, and what the streams carry that
//! were open when a limit was used up.

use super::generation::GenerationCounter;
use super::stored;
use crate::domain::limit::Limit;
use crate::domain::limits::Limits;
use crate::domain::time::Nanos;
use crate::engine::host::Clock;
use crate::engine::ledger::{Change, Entry, Ledger, Unavailable};
use std::sync::Arc;

/// Bytes that are charged at once, however quickly they come.
const MOST: u64 = 1 << 20;

/// The time after the last charge after which bytes are charged at once.
const LONGEST: Nanos = Nanos(Nanos::PER_SECOND);

/// The bytes of one stream. The engine that admitted its request may be gone before the stream ends.
#[derive(Debug)]
pub struct ByteCount {
    /// The limits of the tier, then those of the rule.
    limits: [Arc<[Limit]>; 2],
    /// The indexes of limits that are not charged: those in shadow mode that held nothing when the request began.
    exempt: Vec<usize>,
    /// The alias of the client; none: the buckets that all callers without a client share.
    alias: Option<Box<str>>,
    generation: Arc<GenerationCounter>,
    /// Bytes that have passed and are not charged.
    uncharged: u64,
    charged_at: Nanos,
}

/// Bytes that no limit could be charged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} bytes passed that no limit could be charged for")]
pub struct Uncharged(pub u64);

impl ByteCount {
    pub(super) fn new(
        limits: [Arc<[Limit]>; 2],
        exempt: Vec<usize>,
        alias: Option<&str>,
        generation: Arc<GenerationCounter>,
        now: Nanos,
    ) -> Self {
        Self { limits, exempt, alias: alias.map(Into::into), generation, uncharged: 0, charged_at: now }
    }

    /// Counts bytes that pass. Charges for all that are not charged if they are many, or the last charge was long ago.
    pub fn count(&mut self, ledger: &impl Ledger, clock: &impl Clock, bytes: u64) {
        self.uncharged = self.uncharged.saturating_add(bytes);
        // Without a clock the last charge may have been long ago.
        let now = clock.monotonic().ok();
        if self.uncharged >= MOST || now.is_none_or(|now| now.since(self.charged_at) >= LONGEST) {
            self.charged_at = now.unwrap_or(self.charged_at);
            // The next charge includes what this one could not charge.
            let _ = self.charge(ledger, clock);
        }
    }

    /// Charges for the bytes that are not charged, at the end of the stream.
    ///
    /// # Errors
    ///
    /// [`Uncharged`] if the ledger or a clock fails.
    pub fn finish(&mut self, ledger: &impl Ledger, clock: &impl Clock) -> Result<(), Uncharged> {
        self.charge(ledger, clock).map_err(|_| Uncharged(self.uncharged))
    }

    fn charge(&mut self, ledger: &impl Ledger, clock: &impl Clock) -> Result<(), Unavailable> {
        if self.uncharged == 0 {
            return Ok(());
        }
        let wall = clock.wall()?;
        let [tier, rule] = &self.limits;
        let charge = |stored| {
            let (mut buckets, at) = stored::read(&self.generation, ledger, clock, stored, wall)?;
            buckets.charge_bytes(Limits::new(tier, rule), &self.exempt, self.uncharged, &at);
            Ok::<_, Unavailable>(Change::Write(buckets))
        };
        ledger.update(Entry::buckets_of(self.alias.as_deref()), charge)?;
        self.uncharged = 0;
        Ok(())
    }
}
