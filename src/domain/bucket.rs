//! The token buckets of one client, and the law they keep: never more than `burst + rate x t` in any window of length
//! t, whatever the order of requests, workers, reloads and clock readings. Knows neither store nor clock: it is given
//! the stored bytes and the time, and changes the bytes in place.
//!
//! A bucket is kept as GCRA's theoretical arrival time: the moment at which it will be full again. All buckets of a
//! client lie in one value, so that one compare-and-swap takes from all of them or from none:
//!
//! ```text
//! version  u8       1
//! drained  u64 le   buckets without a record were empty at this moment; 0: they are full
//! records, 48 bytes each:
//!   id          16 bytes
//!   full_at     u64 le   nanoseconds on the monotonic clock
//!   interval    u64 le   nanoseconds between tokens   } the rate
//!   burst       u64 le   tokens                       } it was counted in
//!   generation  u64 le   of the configuration that counted it
//! ```

use super::limit::{Limit, LimitId, Rate};
use super::time::Nanos;

const LAYOUT: u8 = 1;
const HEADER: usize = 9;
const RECORD: usize = 48;

/// The how-manieth configuration since the process started. Later ones convert what earlier ones counted, never the
/// other way round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(pub u64);

/// All buckets of one client.
#[derive(Clone, Debug)]
pub struct Buckets {
    bytes: Vec<u8>,
    drained: u64,
    replaced: bool,
}

/// Whether a request got its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// One from each bucket.
    Taken,
    /// None from any.
    Short {
        /// The time until all buckets hold a token, if nothing else takes it.
        wait: Nanos,
    },
}

/// What one bucket holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Whole tokens: what could be admitted now, at most the limit's burst.
    pub remaining: u64,
    /// The time until the bucket is full.
    pub until_full: Nanos,
}

impl Default for Buckets {
    /// Full buckets, for a client that has none yet.
    fn default() -> Self {
        Self::drained_at(0)
    }
}

impl Buckets {
    /// The buckets that `bytes` hold. What this version cannot read counts as drained `now`, never as full, and must
    /// be [stored](Self::replaced) even if nothing is taken, so that it can fill again.
    pub fn from_stored(bytes: Vec<u8>, now: Nanos) -> Self {
        match readable(&bytes) {
            Some(drained) => Self { bytes, drained, replaced: false },
            None => Self { replaced: true, ..Self::drained_at(now.0.max(1)) },
        }
    }

    fn drained_at(drained: u64) -> Self {
        let mut bytes = Vec::with_capacity(HEADER.saturating_add(RECORD.saturating_mul(2)));
        bytes.push(LAYOUT);
        bytes.extend(drained.to_le_bytes());
        Self { bytes, drained, replaced: false }
    }

    /// Whether these replace a stored value that could not be read.
    pub fn replaced(&self) -> bool {
        self.replaced
    }

    /// The newest configuration that counted in any of them.
    pub fn newest(&self) -> Generation {
        self.records().map(|record| record.generation).max().unwrap_or_default()
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes a token from the bucket of each limit, or none from any.
    pub fn take(&mut self, limits: &[Limit], now: Nanos, generation: Generation) -> Take {
        let wait = limits.iter().map(|limit| self.level(limit, now, generation).wait()).max().unwrap_or_default();
        if wait > Nanos(0) {
            return Take::Short { wait };
        }
        for limit in limits {
            let level = self.level(limit, now, generation);
            self.store(limit.id, level, now);
        }
        Take::Taken
    }

    /// What the limit's bucket holds.
    pub fn balance(&self, limit: &Limit, now: Nanos, generation: Generation) -> Balance {
        let level = self.level(limit, now, generation);
        let held = level.rate.fill().0.saturating_sub(level.missing);
        let tokens = held.checked_div(level.rate.interval().get()).unwrap_or(0);
        Balance { remaining: tokens.min(limit.rate.burst().get()), until_full: Nanos(level.missing) }
    }

    /// How full the limit's bucket is, in the rate that a configuration of `generation` counts in.
    fn level(&self, limit: &Limit, now: Nanos, generation: Generation) -> Level {
        let Some(record) = self.records().find(|record| record.id == limit.id) else {
            let full_at = if self.drained == 0 { 0 } else { self.drained.saturating_add(limit.rate.fill().0) };
            return Level { missing: full_at.saturating_sub(now.0), rate: limit.rate, generation };
        };
        let missing = record.full_at.saturating_sub(now.0);
        match record.rate() {
            None => Level { missing: limit.rate.fill().0, rate: limit.rate, generation },
            Some(rate) if generation > record.generation => {
                Level { missing: convert(missing, rate, limit.rate), rate: limit.rate, generation }
            }
            Some(rate) => Level { missing, rate, generation: record.generation },
        }
    }

    fn records(&self) -> impl Iterator<Item = Record> {
        let records = self.bytes.get(HEADER..).unwrap_or_default();
        records.as_chunks::<RECORD>().0.iter().map(Record::from_bytes)
    }

    /// Records the level with one token taken from it.
    fn store(&mut self, id: LimitId, level: Level, now: Nanos) {
        let interval = level.rate.interval().get();
        let record = Record {
            id,
            full_at: now.0.saturating_add(level.missing).saturating_add(interval),
            interval,
            burst: level.rate.burst().get(),
            generation: level.generation,
        };
        let records = self.bytes.get_mut(HEADER..).unwrap_or_default();
        match records.as_chunks_mut::<RECORD>().0.iter_mut().find(|bytes| bytes.starts_with(&id.0)) {
            Some(bytes) => *bytes = record.to_bytes(),
            None => self.bytes.extend(record.to_bytes()),
        }
    }
}

/// `drained` of a value that this version wrote.
fn readable(bytes: &[u8]) -> Option<u64> {
    let (&layout, rest) = bytes.split_first()?;
    let (drained, records) = rest.split_first_chunk()?;
    let (records, rest) = records.as_chunks::<RECORD>();
    let counted = records.iter().map(Record::from_bytes).all(|record| record.rate().is_some());
    (layout == LAYOUT && rest.is_empty() && counted).then(|| u64::from_le_bytes(*drained))
}

/// What is missing from a bucket, counted in another rate: the same number of tokens, at most all of them.
fn convert(missing: u64, from: Rate, to: Rate) -> u64 {
    if from == to {
        return missing;
    }
    let scaled = u128::from(missing).saturating_mul(u128::from(to.interval().get()));
    let converted = scaled.div_ceil(u128::from(from.interval().get()));
    u64::try_from(converted).unwrap_or(u64::MAX).min(to.fill().0)
}

/// How full a bucket is.
#[derive(Clone, Copy)]
struct Level {
    /// Nanoseconds until it is full. More than its fill only after the clock was set back.
    missing: u64,
    rate: Rate,
    generation: Generation,
}

impl Level {
    /// The time until it holds a token.
    fn wait(&self) -> Nanos {
        let after = self.missing.saturating_add(self.rate.interval().get());
        Nanos(after.saturating_sub(self.rate.fill().0))
    }
}

struct Record {
    id: LimitId,
    full_at: u64,
    interval: u64,
    burst: u64,
    generation: Generation,
}

impl Record {
    fn rate(&self) -> Option<Rate> {
        Rate::from_record(self.interval, self.burst)
    }

    fn from_bytes(bytes: &[u8; RECORD]) -> Self {
        let (id, numbers) = bytes.split_first_chunk().unwrap_or((&[0; 16], &[]));
        let mut numbers = numbers.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let mut number = || numbers.next().unwrap_or(0);
        Self {
            id: LimitId(*id),
            full_at: number(),
            interval: number(),
            burst: number(),
            generation: Generation(number()),
        }
    }

    fn to_bytes(&self) -> [u8; RECORD] {
        let numbers = [self.full_at, self.interval, self.burst, self.generation.0].map(u64::to_le_bytes);
        let mut bytes = [0; RECORD];
        let source = self.id.0.iter().chain(numbers.as_flattened());
        bytes.iter_mut().zip(source).for_each(|(to, from)| *to = *from);
        bytes
    }
}
