//! The generation of the active configuration, in one value that all workers share, beside the configuration's hash and the
//! moment of the first configuration. A generation never belongs to a hash: an old configuration that is pushed again is the
//! newest.

use crate::domain::generation::Generation;
use crate::domain::time::UnixSeconds;
use crate::engine::ledger::{Change, Entry, Ledger, Unavailable};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zerocopy::little_endian::{I64, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The hash of a configuration's bytes: XXH3, 128 bits. It need not be cryptographic: an author of configurations can decide
/// everything without a collision, and a configuration that is mistaken for an accepted one is read before it is used.
pub type Hash = [u8; 16];

/// The generation of one configuration, which changes if the configuration becomes active again after another one.
#[derive(Debug)]
pub struct GenerationCounter {
    hash: Hash,
    number: AtomicU64,
    started: UnixSeconds,
}

impl GenerationCounter {
    /// Makes the configuration with this hash the active one. The configuration that is active already keeps its generation,
    /// another one gets the next. The flag says whether this worker, and no other, has raised the generation.
    ///
    /// The value of [`Entry::Generation`] is the generation, the calendar's `now` at the first configuration of all, and
    /// the hash. The two numbers are its first bytes in every version, since buckets outlive the module that counted them.
    pub fn take_up(ledger: &impl Ledger, hash: Hash, now: UnixSeconds) -> Result<(Arc<Self>, bool), Unavailable> {
        let mut first = false;
        let value =
            ledger.update(Entry::Generation, |stored| Ok::<_, Unavailable>(next(stored, &hash, now, &mut first)))?;
        let (number, started) = (AtomicU64::new(number(&value)), started(&value).unwrap_or(now));
        Ok((Arc::new(Self { hash, number, started }), first))
    }

    /// The moment at which the first configuration since the process started became active.
    pub fn started(&self) -> UnixSeconds {
        self.started
    }

    /// The generation.
    pub fn current(&self) -> Generation {
        Generation(self.number.load(Ordering::Relaxed))
    }

    /// Adopts the generation under which this configuration is active again, and says whether it is active. Envoy does not
    /// tell: where an old stream has kept the configuration's context alive, that context serves again as it is.
    pub fn refresh(&self, ledger: &impl Ledger) -> bool {
        let read = |stored: Option<Vec<u8>>| Ok::<_, Unavailable>(Change::Keep(stored.unwrap_or_default()));
        let Ok(value) = ledger.update(Entry::Generation, read) else { return false };
        let is_active = has_hash(&value, &self.hash);
        if is_active {
            self.number.store(number(&value), Ordering::Relaxed);
        }
        is_active
    }
}

/// The first bytes of the value, in every version of the module.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Numbers {
    generation: U64,
    /// Seconds since 1970.
    started: I64,
}

fn next(stored: Option<Vec<u8>>, hash: &Hash, now: UnixSeconds, first: &mut bool) -> Change<Vec<u8>> {
    let stored = stored.unwrap_or_default();
    *first = !has_hash(&stored, hash);
    if !*first {
        return Change::Keep(stored);
    }
    let generation = number(&stored).saturating_add(1).into();
    let started = started(&stored).unwrap_or(now).0.into();
    Change::Write([Numbers { generation, started }.as_bytes(), hash].concat())
}

fn number(value: &[u8]) -> u64 {
    Numbers::ref_from_prefix(value).map_or(0, |(numbers, _)| numbers.generation.get())
}

fn started(value: &[u8]) -> Option<UnixSeconds> {
    Numbers::ref_from_prefix(value).ok().map(|(numbers, _)| UnixSeconds(numbers.started.get()))
}

fn has_hash(value: &[u8], hash: &Hash) -> bool {
    Numbers::ref_from_prefix(value).is_ok_and(|(_, rest)| rest == hash)
}
