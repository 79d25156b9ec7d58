//! Which configuration is in force, as all workers see it: its number and its hash, in one shared value, beside the
//! moment of the first one. The number never belongs to the hash: an old configuration that is pushed again must be the
//! newest.

use crate::domain::level::Generation;
use crate::domain::time::UnixSeconds;
use crate::engine::ledger::{Change, Entry, Ledger, Unavailable};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What tells one configuration's bytes from any other's that an operator writes: XXH3, 128 bits. It need not withstand
/// anybody: whoever writes configurations decides everything already, and what is mistaken for an accepted one is still
/// read before it is used.
pub type Hash = [u8; 16];

/// A configuration's number among those that were in force since the process started.
#[derive(Debug)]
pub struct Numbering {
    hash: Hash,
    number: AtomicU64,
    started: UnixSeconds,
}

impl Numbering {
    /// Makes the configuration with this hash the one in force: the same one keeps its number, another one gets the
    /// next. Also whether it got it here, and not from another worker.
    ///
    /// The value of [`Entry::Generation`] is the number (u64, little-endian), the calendar's `now` at the first configuration of all
    /// (i64, seconds since 1970) and the hash. The first two stay its first sixteen bytes in every version, since buckets
    /// outlive the module that counted them.
    pub fn take_up(ledger: &impl Ledger, hash: Hash, now: UnixSeconds) -> Result<(Arc<Self>, bool), Unavailable> {
        let mut first = false;
        let value =
            ledger.update(Entry::Generation, |stored| Ok::<_, Unavailable>(next(stored, &hash, now, &mut first)))?;
        let (number, started) = (AtomicU64::new(number(&value)), started(&value).unwrap_or(now));
        Ok((Arc::new(Self { hash, number, started }), first))
    }

    /// When the first configuration since the process started was taken up.
    pub fn started(&self) -> UnixSeconds {
        self.started
    }

    /// The number.
    pub fn current(&self) -> Generation {
        Generation(self.number.load(Ordering::Relaxed))
    }

    /// Takes over the number under which this configuration is in force again, if it is. Envoy does not tell: where a
    /// stream of old has kept the configuration's context alive, that context serves again as it is.
    /// Says whether it is.
    pub fn refresh(&self, ledger: &impl Ledger) -> bool {
        let read = |stored: Option<Vec<u8>>| Ok::<_, Unavailable>(Change::Keep(stored.unwrap_or_default()));
        let Ok(value) = ledger.update(Entry::Generation, read) else { return false };
        let in_force = holds(&value, &self.hash);
        if in_force {
            self.number.store(number(&value), Ordering::Relaxed);
        }
        in_force
    }
}

fn next(stored: Option<Vec<u8>>, hash: &Hash, now: UnixSeconds, first: &mut bool) -> Change<Vec<u8>> {
    let stored = stored.unwrap_or_default();
    *first = !holds(&stored, hash);
    if !*first {
        return Change::Keep(stored);
    }
    let next = number(&stored).saturating_add(1).to_le_bytes();
    let started = started(&stored).unwrap_or(now).0.to_le_bytes();
    Change::Write([next.as_slice(), started.as_slice(), hash].concat())
}

fn number(value: &[u8]) -> u64 {
    value.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn started(value: &[u8]) -> Option<UnixSeconds> {
    value.get(8..)?.first_chunk().map(|bytes| UnixSeconds(i64::from_le_bytes(*bytes)))
}

fn holds(value: &[u8], hash: &Hash) -> bool {
    value.get(16..) == Some(hash)
}
