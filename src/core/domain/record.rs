//! The state of a limit as stored bytes: 49 of them, whatever its kind.
//!
//! ```text
//! id          16 bytes
//! generation  u64 le   of the configuration that counted it
//! kind        u8       0: token bucket; 1, 2, 3: quota of hours, days, months; 4: token bucket of bytes
//!              token bucket                          quota
//! u64 le       full at, on the monotonic clock, ns   the window's end, seconds since 1970 (signed)
//! u64 le       its rate's interval, ns               requests in a window
//! u64 le       burst                                 requests spent
//! ```

use super::generation::Generation;
use super::limit::LimitId;
use super::limit_state::LimitState;
use super::quota::Period;
use super::rate::{Rate, Unit};
use super::time::{Nanos, UnixSeconds};
use std::num::NonZeroU64;

/// The bytes of a record.
pub(super) const LENGTH: usize = 49;

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
        let (id, rest) = bytes.split_first_chunk()?;
        let (generation, rest) = rest.split_first_chunk()?;
        let (kind, numbers) = rest.split_first()?;
        let (numbers, _) = numbers.as_chunks();
        let [first, second, third] = <[[u8; 8]; 3]>::try_from(numbers).ok()?;
        let number = u64::from_le_bytes;
        let quota = |period| {
            let requests = NonZeroU64::new(number(second))?;
            Some(LimitState::Quota {
                period,
                ends: UnixSeconds(i64::from_le_bytes(first)),
                requests,
                used: number(third),
            })
        };
        let bucket = |unit| {
            let rate = Rate::from_record(unit, number(second), number(third))?;
            Some(LimitState::TokenBucket { full_at: Nanos(number(first)), rate })
        };
        let state = match kind {
            0 => bucket(Unit::Request)?,
            4 => bucket(Unit::Byte)?,
            1 => quota(Period::Hour)?,
            2 => quota(Period::Day)?,
            3 => quota(Period::Month)?,
            _ => return None,
        };
        Some(Self { id: LimitId(*id), generation: Generation(number(*generation)), state })
    }

    pub(super) fn to_bytes(self) -> [u8; LENGTH] {
        let (kind, numbers) = match self.state {
            LimitState::TokenBucket { full_at, rate } => {
                let kind = match rate.unit() {
                    Unit::Request => 0,
                    Unit::Byte => 4,
                };
                (kind, [full_at.0, rate.interval().get(), rate.burst().get()].map(u64::to_le_bytes))
            }
            LimitState::Quota { period, ends, requests, used } => {
                let kind = match period {
                    Period::Hour => 1,
                    Period::Day => 2,
                    Period::Month => 3,
                };
                (kind, [ends.0.to_le_bytes(), requests.get().to_le_bytes(), used.to_le_bytes()])
            }
        };
        let mut bytes = [0; LENGTH];
        // Whole fields at a time: byte by byte this would be a fifth of a request's work.
        if let Some((id, rest)) = bytes.split_first_chunk_mut()
            && let Some((generation, rest)) = rest.split_first_chunk_mut()
            && let Some((first, rest)) = rest.split_first_mut()
            && let Ok(rest) = <&mut [u8; 24]>::try_from(rest)
        {
            *id = self.id.0;
            *generation = self.generation.0.to_le_bytes();
            *first = kind;
            rest.copy_from_slice(numbers.as_flattened());
        }
        bytes
    }
}
