//! Log lines about requests, at the pace that their kind may have.

use super::abi;
use super::worker::Clocks;
use crate::domain::decision::Reason;
use crate::domain::policy::Audit;
use crate::domain::time::Nanos;
use crate::engine::allowance::{Allowance, Pace};
use crate::engine::host::Clock;
use crate::engine::journal::{Circumstances, Event};
use log::Level;

/// The request log of a VM.
#[derive(Default)]
pub(super) struct Journal {
    samples: Kinds,
    audit: Kinds,
    trouble: Allowance,
}

/// The lines of those plugins that audit, or of those that do not: what one of these says hides nothing of the others,
/// whose pace is another.
#[derive(Default)]
struct Kinds {
    unknown: Allowance,
    other: Allowance,
    passed: Allowance,
}

impl Journal {
    /// Writes a line about the request, unless there were too many.
    pub(super) fn write(&self, audit: Audit, event: &Event<'_>) {
        let audited = audit != Audit::Samples;
        let Kinds { unknown, other, passed } = if audited { &self.audit } else { &self.samples };
        // Unknown certificates have an allowance of their own, so that the entries that the log offers for them are not
        // lost among clients over their limits; and what passes takes none from what does not.
        let (allowance, level) = match event.reason {
            None => (passed, Level::Info),
            Some(Reason::UnknownCertificate) => (unknown, Level::Warn),
            Some(_) => (other, Level::Warn),
        };
        let Some(suppressed) = allowance.take(Pace::of(audit, event.reason.is_none()), now()) else { return };
        let property = |wanted: bool, path| if wanted { abi::property(path).ok().flatten() } else { None };
        let line = event.line(&Circumstances {
            time: if audited { abi::wall().ok() } else { None },
            source: property(audited, "source\0address").as_deref(),
            subject: property(event.asks_subject(), "connection\0subject_peer_certificate").as_deref(),
            suppressed,
        });
        log::log!(level, "{line}");
    }

    /// Writes a line about something that should not happen, unless it happens too often.
    pub(super) fn trouble(&self, line: impl FnOnce() -> String) {
        if self.trouble.take(Pace::SAMPLES, now()).is_some() {
            log::error!("{}", line());
        }
    }
}

/// The monotonic clock. Without one, time stands still, and no more lines are written than may follow at once.
fn now() -> Nanos {
    Clocks.monotonic().unwrap_or(Nanos(0))
}
