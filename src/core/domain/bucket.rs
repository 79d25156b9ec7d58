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
use super::limit::Limit;
use super::limits::Limits;
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
    pub fn take<'l>(&mut self, limits: impl Into<Limits<'l>>, method: &[u8], at: &Occasion) -> Take {
        let limits = limits.into();
        let mut take = Take::default();
        let mut only = None;
        for (place, limit) in limits.iter().enumerate() {
            let counted = self.counted(limit, at);
            let wait = counted.level.wait(limit.cost.needs(method), at);
            only = Some(counted);
            if wait > Nanos(0) {
                take.short.push(place);
                if limit.mode == Mode::Enforce {
                    take.wait = take.wait.max(wait);
                }
            }
        }
        for (place, limit) in limits.iter().enumerate() {
            let gives = take.taken() && !take.short.contains(&place);
            // Most clients have one limit, whose record was looked up just now.
            let counted = only.take().filter(|_| limits.len() == 1).unwrap_or_else(|| self.counted(limit, at));
            self.draw(limit, counted, if gives { limit.cost.takes(method) } else { 0 }, at);
        }
        if self.changed && self.records().len() > limits.len() {
            self.forget(at);
        }
        take
    }

    /// Takes the bytes that have passed from the limits that count them, but for those at the places `spared`; also where
    /// they hold less: what is in flight is owed.
    pub fn charge<'l>(&mut self, limits: impl Into<Limits<'l>>, spared: &[usize], bytes: u64, at: &Occasion) {
        for (place, limit) in limits.into().iter().enumerate() {
            if limit.cost == Cost::Bytes && !spared.contains(&place) {
                self.draw(limit, self.counted(limit, at), bytes, at);
            }
        }
    }

    /// Forgets the records of former limits that hold all there is. [`Self::counted`] takes no notice of them, so no
    /// decision changes. Apart from most requests, which it would slow down.
    #[inline(never)]
    fn forget(&mut self, at: &Occasion) {
        let mut kept: Vec<u8> = self.bytes.iter().take(HEADER).copied().collect();
        for (place, bytes) in self.records().iter().enumerate() {
            if !self.is_forgettable(place, at) {
                kept.extend(bytes);
            }
        }
        self.bytes = kept;
    }

    /// Records that so much is taken from the limit; and, if it is another configuration's record that it is taken from,
    /// that it is counted in this one's numbers from now on, even if nothing is. (Else it would be converted anew, and what
    /// came back meanwhile lost, until something is.)
    fn draw(&mut self, limit: &Limit, counted: Counted, cost: u64, at: &Occasion) {
        let outdated = counted.generation.is_some_and(|stored| stored < at.generation);
        if cost > 0 || outdated {
            let generation = counted.generation.unwrap_or(at.generation).max(at.generation);
            self.store(counted.place, &Record { id: limit.id, generation, level: counted.level.less(cost, at) });
        }
    }

    /// What the limit holds.
    pub fn balance(&self, limit: &Limit, at: &Occasion) -> Balance {
        let level = self.counted(limit, at).level;
        Balance { remaining: level.remaining(at).min(limit.capacity().get()), until_whole: level.until_whole(at) }
    }

    /// The limit's level, in the numbers of the configuration in force or of a newer one that has counted already, and the
    /// place of its record. A record that might have been forgotten counts as none.
    fn counted(&self, limit: &Limit, at: &Occasion) -> Counted {
        let place = self.records().iter().position(|bytes| bytes.starts_with(&limit.id.0));
        let record = place.and_then(|place| self.records().get(place)).and_then(Record::from_bytes);
        let former = record.as_ref().is_some_and(|record| record.generation < at.generation);
        let record = record.filter(|_| !former || !place.is_some_and(|place| self.is_forgettable(place, at)));
        let level = match &record {
            None => Level::untouched(limit, self.drained, at),
            Some(record) if former => record.level.current(at).converted(limit, at),
            Some(record) => record.level.current(at),
        };
        Counted { place, generation: record.map(|record| record.generation), level }
    }

    /// Whether nobody needs the record at this place: a configuration before this one has counted it, and none of it is
    /// spent. Apart from most requests, which it would slow down.
    #[inline(never)]
    fn is_forgettable(&self, place: usize, at: &Occasion) -> bool {
        let record = self.records().get(place).and_then(Record::from_bytes);
        record.is_some_and(|record| record.generation < at.generation && record.level.is_as_untouched(self.drained, at))
    }

    fn records(&self) -> &[[u8; LENGTH]] {
        self.bytes.get(HEADER..).unwrap_or_default().as_chunks().0
    }

    /// Stores the record at this place, or behind all others.
    fn store(&mut self, place: Option<usize>, record: &Record) {
        self.changed = true;
        let records = self.bytes.get_mut(HEADER..).unwrap_or_default().as_chunks_mut::<LENGTH>().0;
        match place.and_then(|place| records.get_mut(place)) {
            Some(bytes) => *bytes = record.to_bytes(),
            None => self.bytes.extend(record.to_bytes()),
        }
    }
}

/// The level of one limit, and the place of its record.
struct Counted {
    /// The record's place, if there is one.
    place: Option<usize>,
    /// The configuration that counted the record, unless the record counts as none.
    generation: Option<Generation>,
    level: Level,
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
