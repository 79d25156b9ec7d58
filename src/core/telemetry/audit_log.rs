//! The audit log: which lines are written, their level, and the limits of each kind.

use super::audit_event::{Circumstances, Event};
use super::log::Level;
use super::log_limiter::{LogLimiter, SAMPLES, rate_of_lines};
use super::presented_certificate::PresentedCertificate;
use crate::domain::decision::Reason;
use crate::domain::policy::Audit;
use crate::domain::time::Nanos;

/// Facts of the host for a line. Each costs a host call, so they are read only for lines that are written.
pub trait Facts {
    /// Nanoseconds since 1970.
    fn time(&self) -> Option<u64>;
    /// The downstream's address, with its port.
    fn source(&self) -> Option<Vec<u8>>;
    /// The connection's certificate, as text.
    fn certificate(&self) -> Option<Vec<u8>>;
    /// The subject of the connection's certificate.
    fn subject(&self) -> Option<Vec<u8>>;
    /// Whether the host says that the chain of the connection's certificate is verified.
    fn verified(&self) -> bool;
}

/// The limits of the log lines of one host.
#[derive(Default)]
pub struct AuditLog {
    samples: Kinds,
    audit: Kinds,
    faults: LogLimiter,
}

/// The limits of each kind of line. Plugins with and without `audit` have different rates, so they have limits of their
/// own.
#[derive(Default)]
struct Kinds {
    unknown: LogLimiter,
    other: LogLimiter,
    passed: LogLimiter,
}

impl AuditLog {
    /// The line of a request that was decided with this reason at `now` (monotonic clock), and its level; `None` if it is
    /// suppressed. Then there is no need for its event.
    pub fn line<'e>(
        &self,
        audit: Audit,
        (reason, event): (Option<Reason>, impl FnOnce() -> Event<'e>),
        now: Nanos,
        facts: &impl Facts,
    ) -> Option<(Level, String)> {
        let audited = audit != Audit::Samples;
        let Kinds { unknown, other, passed } = if audited { &self.audit } else { &self.samples };
        // Unknown certificates have a limit of their own, so that the entries suggested for them are not lost among the
        // lines of clients over their limits. Allowed requests use none of the limit of refused ones.
        let (limiter, level) = match reason {
            None => (passed, Level::Info),
            Some(Reason::UnknownCertificate) => (unknown, Level::Warn),
            Some(_) => (other, Level::Warn),
        };
        let suppressed = limiter.take(rate_of_lines(audit, reason.is_none()), now)?;
        Some((level, written(audit, &event(), suppressed, facts)))
    }

    /// Whether a line about a fault of the host or of certgate may be written `now`.
    pub fn may_report_fault(&self, now: Nanos) -> bool {
        self.faults.take(SAMPLES, now).is_some()
    }
}

/// The line of this event, after so many that were suppressed.
// Not inlined: it has several callers, and most lines are suppressed.
#[inline(never)]
fn written(audit: Audit, event: &Event<'_>, suppressed: u64, facts: &impl Facts) -> String {
    let audited = audit != Audit::Samples;
    event.line(&Circumstances {
        time: if audited { facts.time() } else { None },
        source: if audited { facts.source() } else { None }.as_deref(),
        certificate: PresentedCertificate::of(event, facts).as_ref(),
        suppressed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cause::{Cause, Refusal};
    use std::cell::Cell;

    #[derive(Default)]
    struct Asked(Cell<usize>);

    impl Asked {
        fn answer(&self, text: &str) -> Option<Vec<u8>> {
            self.0.set(self.0.get().saturating_add(1));
            Some(text.into())
        }
    }

    impl Facts for Asked {
        fn time(&self) -> Option<u64> {
            self.0.set(self.0.get().saturating_add(1));
            Some(0)
        }

        fn source(&self) -> Option<Vec<u8>> {
            self.answer("192.0.2.1:4711")
        }

        fn certificate(&self) -> Option<Vec<u8>> {
            None
        }

        fn subject(&self) -> Option<Vec<u8>> {
            self.answer("CN=a")
        }

        fn verified(&self) -> bool {
            false
        }
    }

    fn event(cause: Option<Cause>) -> (Option<Reason>, impl FnOnce() -> Event<'static>) {
        let refusal = cause.map(Refusal::from);
        (refusal.map(|refusal| refusal.reason), move || Event { refusal, ..Event::UNDECIDED })
    }

    #[test]
    fn each_kind_of_line_has_a_limit_of_its_own_and_a_suppressed_line_asks_for_no_fact() {
        let (log, asked, now) = (AuditLog::default(), Asked::default(), Nanos(1 << 40));
        let written = |cause| {
            let lines = (0..50).filter_map(|_| log.line(Audit::Samples, event(cause), now, &asked));
            lines.map(|(level, _)| level).collect::<Vec<_>>()
        };
        assert_eq!(written(Some(Cause::LimitUsedUp)), [Level::Warn; 10]);
        assert_eq!(asked.0.get(), 0, "samples have no address and no time");
        assert_eq!(written(Some(Cause::NotRegistered)), [Level::Warn; 10]);
        assert_eq!(asked.0.get(), 10, "a subject for each line");
        assert_eq!(written(None), [Level::Info; 10]);
        assert_eq!((0..50).filter(|_| log.may_report_fault(now)).count(), 10);
        let audited = log.line(Audit::All, event(Some(Cause::LimitUsedUp)), now, &asked).unwrap();
        assert!(audited.1.contains("192.0.2.1") && audited.1.contains("1970-01-01T00:00:00.000Z"), "{}", audited.1);
        assert_eq!(asked.0.get(), 12);
    }
}
