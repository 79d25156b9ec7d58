//! All limits of one client, and their law: never more than `burst + rate x t` is admitted in any window of length t, and
//! never more than a quota in a window of the calendar, whatever the order of requests, workers and clock readings. In a
//! window with a reload, what both configurations allow. The stored bytes and the time come from outside, and the bytes are
//! changed in index.
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
use super::generation::Generation;
use super::limit::Limit;
use super::limit_state::{CountingContext, LimitState};
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

/// The result of charging limits for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charged {
    /// Whether the request was charged.
    pub taken: Taken,
    /// The indexes of the limits that did not hold what the request costs, enforced or not.
    pub exceeded: Vec<usize>,
}

/// Whether a request was charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Each limit that held what the request costs was charged.
    Allowed,
    /// An enforced limit did not hold it, and none was charged.
    Denied {
        /// The time until all enforced limits hold it, if nothing else takes it.
        retry_after: Nanos,
    },
}

impl Charged {
    /// Whether the request may go on.
    pub fn is_allowed(&self) -> bool {
        self.taken == Taken::Allowed
    }

    /// The time after which the request may go on; zero if it may now.
    pub fn retry_after(&self) -> Nanos {
        match self.taken {
            Taken::Allowed => Nanos(0),
            Taken::Denied { retry_after } => retry_after,
        }
    }
}

/// The balance of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The requests or bytes that are left, at most the limit's capacity.
    pub remaining: u64,
    /// The time until nothing is spent.
    pub until_whole: Nanos,
}

impl Default for Buckets {
    /// The buckets of a client that was never charged.
    fn default() -> Self {
        Self::new(None)
    }
}

impl Buckets {
    /// The buckets in stored `bytes`. Bytes that this version cannot read count as used up now, never as whole, and are a
    /// [change](Self::changed) even if nothing is charged, so that the limits can recover.
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

    /// Whether the buckets differ from the stored bytes.
    pub fn changed(&self) -> bool {
        self.changed
    }

    /// The newest configuration that has counted any of the stored records.
    pub fn newest(&self) -> Generation {
        self.newest
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Charges all limits for a request with this method, or none of them. A limit in shadow mode that does not hold what
    /// the request costs is not charged and denies nothing.
    pub fn charge<'l>(&mut self, limits: impl Into<Limits<'l>>, method: &[u8], at: &CountingContext) -> Charged {
        let limits = limits.into();
        let mut exceeded = Vec::new();
        let mut retry_after = Nanos(0);
        let mut only = None;
        for (index, limit) in limits.iter().enumerate() {
            let counted = self.counted(limit, at);
            let wait = counted.state.wait(limit.cost.needs(method), at);
            only = Some(counted);
            if wait > Nanos(0) {
                exceeded.push(index);
                if limit.mode == Mode::Enforce {
                    retry_after = retry_after.max(wait);
                }
            }
        }
        let taken = if retry_after == Nanos(0) { Taken::Allowed } else { Taken::Denied { retry_after } };
        for (index, limit) in limits.iter().enumerate() {
            let pays = taken == Taken::Allowed && !exceeded.contains(&index);
            // Most clients have one limit, whose record was looked up just now.
            let counted = only.take().filter(|_| limits.len() == 1).unwrap_or_else(|| self.counted(limit, at));
            self.debit(limit, counted, if pays { limit.cost.takes(method) } else { 0 }, at);
        }
        if self.changed && self.records().len() > limits.len() {
            self.forget(at);
        }
        Charged { taken, exceeded }
    }

    /// Charges the limits of bytes for bytes that have passed, but for the limits with the `exempt` indexes; also where they
    /// hold less: bytes in flight are owed.
    pub fn charge_bytes<'l>(
        &mut self,
        limits: impl Into<Limits<'l>>,
        exempt: &[usize],
        bytes: u64,
        at: &CountingContext,
    ) {
        for (index, limit) in limits.into().iter().enumerate() {
            if limit.cost == Cost::Bytes && !exempt.contains(&index) {
                self.debit(limit, self.counted(limit, at), bytes, at);
            }
        }
    }

    /// Removes the records of former limits of which nothing is spent. [`Self::counted`] ignores them, so no decision
    /// changes. Apart from most requests, which it would slow down.
    #[inline(never)]
    fn forget(&mut self, at: &CountingContext) {
        let mut kept: Vec<u8> = self.bytes.iter().take(HEADER).copied().collect();
        for (index, bytes) in self.records().iter().enumerate() {
            if !self.is_forgettable(index, at) {
                kept.extend(bytes);
            }
        }
        self.bytes = kept;
    }

    /// Records that the limit is charged so much. A record that another configuration has counted is counted in this one's
    /// numbers from now on, even if nothing is charged: else each request would convert it anew, and lose what came back
    /// meanwhile.
    fn debit(&mut self, limit: &Limit, counted: Counted, cost: u64, at: &CountingContext) {
        let outdated = counted.generation.is_some_and(|stored| stored < at.generation);
        if cost > 0 || outdated {
            let generation = counted.generation.unwrap_or(at.generation).max(at.generation);
            self.store(counted.index, &Record { id: limit.id, generation, state: counted.state.less(cost, at) });
        }
    }

    /// The balance of the limit.
    pub fn balance(&self, limit: &Limit, at: &CountingContext) -> Balance {
        let state = self.counted(limit, at).state;
        Balance { remaining: state.remaining(at).min(limit.capacity().get()), until_whole: state.until_whole(at) }
    }

    /// The limit's state, in the numbers of the active configuration or of a newer one that has counted already, and the
    /// index of its record. A record that [`Self::forget`] may remove counts as none.
    fn counted(&self, limit: &Limit, at: &CountingContext) -> Counted {
        let index = self.records().iter().position(|bytes| bytes.starts_with(&limit.id.0));
        let record = index.and_then(|index| self.records().get(index)).and_then(Record::from_bytes);
        let former = record.as_ref().is_some_and(|record| record.generation < at.generation);
        let record = record.filter(|_| !former || !index.is_some_and(|index| self.is_forgettable(index, at)));
        let state = match &record {
            None => LimitState::untouched(limit, self.drained, at),
            Some(record) if former => record.state.current(at).converted(limit, at),
            Some(record) => record.state.current(at),
        };
        Counted { index, generation: record.map(|record| record.generation), state }
    }

    /// Whether the record at this index can be removed: an earlier configuration has counted it, and nothing of it is spent.
    /// Apart from most requests, which it would slow down.
    #[inline(never)]
    fn is_forgettable(&self, index: usize, at: &CountingContext) -> bool {
        let record = self.records().get(index).and_then(Record::from_bytes);
        record.is_some_and(|record| record.generation < at.generation && record.state.is_as_untouched(self.drained, at))
    }

    fn records(&self) -> &[[u8; LENGTH]] {
        self.bytes.get(HEADER..).unwrap_or_default().as_chunks().0
    }

    /// Stores the record at this index, or behind all others.
    fn store(&mut self, index: Option<usize>, record: &Record) {
        self.changed = true;
        let records = self.bytes.get_mut(HEADER..).unwrap_or_default().as_chunks_mut::<LENGTH>().0;
        match index.and_then(|index| records.get_mut(index)) {
            Some(bytes) => *bytes = record.to_bytes(),
            None => self.bytes.extend(record.to_bytes()),
        }
    }
}

/// The state of one limit, and the index of its record.
struct Counted {
    /// The record's index, if there is one.
    index: Option<usize>,
    /// The configuration that counted the record, unless the record counts as none.
    generation: Option<Generation>,
    state: LimitState,
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
