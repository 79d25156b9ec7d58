//! The state of a limit as stored bytes.

use super::generation::Generation;
use super::limit::LimitId;
use super::limit_state::LimitState;
use super::quota::Period;
use super::rate::{Rate, Unit};
use super::time::{Nanos, UnixSeconds};
use std::num::NonZeroU64;
use zerocopy::little_endian::U64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, transmute, transmute_ref};

/// The stored bytes of a record. Numbers are little-endian.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    id: [u8; 16],
    /// The generation of the configuration that counted the limit.
    generation: U64,
    /// 0: token bucket; 1, 2, 3: quota of hours, days, months; 4: token bucket of bytes.
    kind: u8,
    /// Token bucket: the moment at which it is full (nanoseconds on the monotonic clock), the interval of its rate
    /// (nanoseconds), its burst. Quota: the end of its window (seconds since 1970, signed), the requests of a window, the
    /// requests spent.
    numbers: [U64; 3],
}

/// The length of a record in bytes.
pub(super) const LENGTH: usize = size_of::<Layout>();

/// The stored state of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) id: LimitId,
    pub(super) generation: Generation,
    pub(super) state: LimitState,
}

impl Record {
    /// The record in these bytes; `None` if this version does not write such bytes.
    pub(super) fn from_bytes(bytes: &[u8; LENGTH]) -> Option<Self> {
        let Layout { id, generation, kind, numbers } = transmute_ref!(bytes);
        let [first, second, third] = numbers.map(U64::get);
        let quota = |period| {
            let (ends, requests) = (UnixSeconds(first.cast_signed()), NonZeroU64::new(second)?);
            Some(LimitState::Quota { period, ends, requests, used: third })
        };
        let bucket = |unit| {
            let rate = Rate::from_record(unit, second, third)?;
            Some(LimitState::TokenBucket { full_at: Nanos(first), rate })
        };
        let state = match kind {
            0 => bucket(Unit::Request)?,
            4 => bucket(Unit::Byte)?,
            1 => quota(Period::Hour)?,
            2 => quota(Period::Day)?,
            3 => quota(Period::Month)?,
            _ => return None,
        };
        Some(Self { id: LimitId(*id), generation: Generation(generation.get()), state })
    }

    pub(super) fn to_bytes(self) -> [u8; LENGTH] {
        let (kind, numbers) = match self.state {
            LimitState::TokenBucket { full_at, rate } => {
                let kind = match rate.unit() {
                    Unit::Request => 0,
                    Unit::Byte => 4,
                };
                (kind, [full_at.0, rate.interval().get(), rate.burst().get()])
            }
            LimitState::Quota { period, ends, requests, used } => {
                let kind = match period {
                    Period::Hour => 1,
                    Period::Day => 2,
                    Period::Month => 3,
                };
                (kind, [ends.0.cast_unsigned(), requests.get(), used])
            }
        };
        let (generation, numbers) = (self.generation.0.into(), numbers.map(U64::new));
        transmute!(Layout { id: self.id.0, generation, kind, numbers })
    }
}
