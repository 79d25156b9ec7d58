//! Log lines about requests, so many a second and no more: a caller who is refused a thousand times a second must not
//! cost a disk.

use super::abi;
use super::worker::monotonic;
use crate::domain::decision::Reason;
use crate::domain::time::Nanos;
use crate::engine::journal::Event;
use std::cell::Cell;

/// Lines of one kind that may follow each other at once.
const BURST: u64 = 10;
/// The time after which another line may be written.
const INTERVAL: u64 = Nanos::PER_SECOND;

/// The request log of a VM.
#[derive(Default)]
pub(super) struct Journal {
    unknown: Allowance,
    other: Allowance,
    trouble: Allowance,
}

/// Lines of one kind.
#[derive(Default)]
struct Allowance {
    /// When it is whole again, on the monotonic clock.
    whole_at: Cell<u64>,
    suppressed: Cell<u64>,
}

impl Journal {
    /// Writes a line about the request, unless there were too many.
    pub(super) fn refused(&self, event: &Event<'_>) {
        // Unknown certificates have an allowance of their own, so that the entries that the log offers for them are not
        // lost among clients over their limits.
        let unknown = event.reason == Reason::UnknownCertificate;
        let allowance = if unknown { &self.unknown } else { &self.other };
        let Some(suppressed) = allowance.take(monotonic()) else { return };
        let subject = || abi::property("connection\0subject_peer_certificate").ok().flatten();
        let subject = if unknown { subject() } else { None };
        log::warn!("{}", event.line(subject.as_deref(), suppressed));
    }

    /// Writes a line about something that should not happen, unless it happens too often.
    pub(super) fn trouble(&self, line: impl FnOnce() -> String) {
        if self.trouble.take(monotonic()).is_some() {
            log::error!("{}", line());
        }
    }
}

impl Allowance {
    /// How many lines were suppressed before this one; `None` if it is to be as well.
    fn take(&self, now: Nanos) -> Option<u64> {
        let whole_at = self.whole_at.get().max(now.0).saturating_add(INTERVAL);
        if whole_at.saturating_sub(now.0) > BURST.saturating_mul(INTERVAL) {
            self.suppressed.set(self.suppressed.get().saturating_add(1));
            return None;
        }
        self.whole_at.set(whole_at);
        Some(self.suppressed.take())
    }
}
