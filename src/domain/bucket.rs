//! What one client has left of all its limits, and the law that this keeps: never more than `burst + rate x t` in any
//! window of length t, and never more than a quota in a window of the calendar, whatever the order of requests, workers
//! and clock readings; with a reload in it, what both configurations allow. Knows neither store nor clock: it is given the stored bytes and the time, and changes the
//! bytes in place.
//!
//! All limits of a client lie in one value, so that one compare-and-swap takes from all of them or from none:
//!
//! ```text
//! version  u8       1
//! drained  u64 le   limits without a record were used up at this moment, on the monotonic clock; 0: they are whole
//!          i64 le   the same on the calendar
//! records  see `record`
//! ```

use super::cost::Cost;
use super::level::{Generation, Level, Occasion};
use super::limit::{Limit, LimitId};
use super::mode::Mode;
use super::record::{LENGTH, Record};
use super::time::{Nanos, UnixSeconds};

const LAYOUT: u8 = 1;
const HEADER: usize = 17;

/// All buckets and quotas of one client.
#[derive(Clone, Debug)]
pub struct Buckets {
    bytes: Vec<u8>,
    drained: Option<(Nanos, UnixSeconds)>,
    newest: Generation,
    changed: bool,
}

/// Whether a request got what it costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Take {
    /// Zero: it got it from each limit that held it. Else nothing was taken from any, and this is the time until all
    /// enforced ones hold it, if nothing else takes it.
    pub wait: Nanos,
    /// Places in the list of those that did not hold it, enforced or not.
    pub short: Vec<usize>,
}

impl Take {
    /// Whether it may go on.
    pub fn taken(&self) -> bool {
        self.wait == Nanos(0)
    }
}

/// What a limit holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// What could be taken now, at most the limit's capacity.
    pub remaining: u64,
    /// The time until it is whole.
    pub until_whole: Nanos,
}

impl Default for Buckets {
    /// Those of a client that has taken nothing yet.
    fn default() -> Self {
        Self::new(None)
    }
}

impl Buckets {
    /// The buckets that `bytes` hold. What this version cannot read counts as used up now, never as whole, and is a
    /// [change](Self::changed) even if nothing is taken, so that it can come back.
    pub fn from_stored(bytes: Vec<u8>, now: Nanos, wall: UnixSeconds) -> Self {
        match readable(&bytes) {
            Some((drained, newest)) => Self { bytes, drained, newest, changed: false },
            None => Self { changed: true, ..Self::new(Some((Nanos(now.0.max(1)), wall))) },
        }
    }

    fn new(drained: Option<(Nanos, UnixSeconds)>) -> Self {
        let (now, wall) = drained.unwrap_or((Nanos(0), UnixSeconds(0)));
        let mut bytes = Vec::with_capacity(HEADER.saturating_add(LENGTH.saturating_mul(2)));
        bytes.push(LAYOUT);
        bytes.extend(now.0.to_le_bytes());
        bytes.extend(wall.0.to_le_bytes());
        Self { bytes, drained, newest: Generation::default(), changed: false }
    }

    /// Whether they are other than what is stored.
    pub fn changed(&self) -> bool {
        self.changed
    }

    /// The newest configuration that had counted in any of them when they were stored.
    pub fn newest(&self) -> Generation {
        self.newest
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes what a request with this method costs from all limits, or nothing from any. One in shadow mode that does
    /// not hold it gives nothing and stops nobody.
    pub fn take(&mut self, limits: &[Limit], method: &[u8], at: &Occasion) -> Take {
        let mut take = Take::default();
        for (place, limit) in limits.iter().enumerate() {
            let wait = self.level(limit, at).wait(limit.cost.needs(method), at);
            if wait > Nanos(0) {
                take.short.push(place);
                if limit.mode == Mode::Enforce {
                    take.wait = take.wait.max(wait);
                }
            }
        }
        for (place, limit) in limits.iter().enumerate() {
            let gives = take.taken() && !take.short.contains(&place);
            self.draw(limit, if gives { limit.cost.takes(method) } else { 0 }, at);
        }
        self.forget(limits, at);
        take
    }

    /// Takes the bytes that have passed from the limits that count them, but for those at the places `spared`; also where
    /// they hold less: what is in flight is owed.
    pub fn charge(&mut self, limits: &[Limit], spared: &[usize], bytes: u64, at: &Occasion) {
        for (place, limit) in limits.iter().enumerate() {
            if limit.cost == Cost::Bytes && !spared.contains(&place) {
                self.draw(limit, bytes, at);
            }
        }
    }

    /// Forgets the records of former limits that hold all there is, where a change is stored anyway and there are more
    /// records than these limits have. [`Self::record`] takes no notice of them, so no decision changes.
    fn forget(&mut self, limits: &[Limit], at: &Occasion) {
        if !self.changed || self.records().len() <= limits.len() {
            return;
        }
        let forgettable = |bytes: &[u8; LENGTH]| {
            Record::from_bytes(bytes).is_some_and(|record| record.is_forgettable(self.drained, at))
        };
        if self.records().iter().any(forgettable) {
            let mut kept = Vec::with_capacity(self.bytes.len());
            kept.extend(self.bytes.iter().take(HEADER));
            self.records().iter().filter(|bytes| !forgettable(bytes)).for_each(|bytes| kept.extend(bytes));
            self.bytes = kept;
        }
    }

    /// Records that so much is taken from the limit; and, if it is another configuration's record that it is taken from,
    /// that it is counted in this one's numbers from now on, even if nothing is. (Else it would be converted anew, and what
    /// came back meanwhile lost, until something is.)
    fn draw(&mut self, limit: &Limit, cost: u64, at: &Occasion) {
        let stored = self.record(limit, at);
        let (newest, outdated) = stored.map_or((at.generation, false), |stored| {
            (stored.generation.max(at.generation), stored.generation < at.generation)
        });
        if cost > 0 || outdated {
            let level = self.in_force(limit, stored, at).less(cost, at);
            self.store(&Record { id: limit.id, generation: newest, level });
        }
    }

    /// What the limit holds.
    pub fn balance(&self, limit: &Limit, at: &Occasion) -> Balance {
        let level = self.level(limit, at);
        Balance { remaining: level.remaining(at).min(limit.capacity().get()), until_whole: level.until_whole(at) }
    }

    /// What the limit holds, in the numbers of the configuration in force, or of a newer one that has counted already.
    fn level(&self, limit: &Limit, at: &Occasion) -> Level {
        self.in_force(limit, self.record(limit, at), at)
    }

    /// The same, of this record of it.
    fn in_force(&self, limit: &Limit, record: Option<Record>, at: &Occasion) -> Level {
        match record {
            None => Level::untouched(limit, self.drained, at),
            Some(record) if at.generation > record.generation => record.level.current(at).converted(limit, at),
            Some(record) => record.level.current(at),
        }
    }

    /// Its record, unless it might have been forgotten.
    fn record(&self, limit: &Limit, at: &Occasion) -> Option<Record> {
        let bytes = self.records().iter().find(|bytes| bytes.starts_with(&limit.id.0))?;
        Record::from_bytes(bytes).filter(|record| !record.is_forgettable(self.drained, at))
    }

    fn records(&self) -> &[[u8; LENGTH]] {
        self.bytes.get(HEADER..).unwrap_or_default().as_chunks().0
    }

    fn store(&mut self, record: &Record) {
        self.changed = true;
        let LimitId(id) = record.id;
        let records = self.bytes.get_mut(HEADER..).unwrap_or_default();
        match records.as_chunks_mut::<LENGTH>().0.iter_mut().find(|bytes| bytes.starts_with(&id)) {
            Some(bytes) => *bytes = record.to_bytes(),
            None => self.bytes.extend(record.to_bytes()),
        }
    }
}

impl AsRef<[u8]> for Buckets {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// `drained` of a value that this version wrote, and the newest configuration that counted in any of its records.
fn readable(bytes: &[u8]) -> Option<(Option<(Nanos, UnixSeconds)>, Generation)> {
    let (&layout, rest) = bytes.split_first()?;
    let (now, rest) = rest.split_first_chunk()?;
    let (wall, records) = rest.split_first_chunk()?;
    let (records, rest) = records.as_chunks::<LENGTH>();
    if layout != LAYOUT || !rest.is_empty() {
        return None;
    }
    let drained = (Nanos(u64::from_le_bytes(*now)), UnixSeconds(i64::from_le_bytes(*wall)));
    let newest = records
        .iter()
        .try_fold(Generation::default(), |newest, record| Some(newest.max(Record::from_bytes(record)?.generation)))?;
    Some(((drained.0 > Nanos(0)).then_some(drained), newest))
}
