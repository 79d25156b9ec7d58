//! Log lines, to Envoy's log.

use super::abi;
use super::worker::Clocks;
use certgate_core::domain::policy::Audit;
use certgate_core::domain::time::Nanos;
use certgate_core::engine::host::Clock;
use certgate_core::telemetry::audit_event::Event;
use certgate_core::telemetry::audit_log::{AuditLog, Facts, Level};

/// The log of a VM.
#[derive(Default)]
pub(super) struct LogSink(AuditLog);

impl LogSink {
    /// Writes a line about the request, unless there were too many.
    pub(super) fn write(&self, audit: Audit, event: &Event<'_>) {
        if let Some((level, line)) = self.0.line(audit, event, now(), &Properties) {
            match level {
                Level::Info => log::info!("{line}"),
                Level::Warn => log::warn!("{line}"),
            }
        }
    }

    /// Writes a line about something that should not happen, unless it happens too often.
    pub(super) fn report_fault(&self, line: impl FnOnce() -> String) {
        if self.0.may_report_fault(now()) {
            log::error!("{}", line());
        }
    }
}

/// The properties of the request.
struct Properties;

impl Facts for Properties {
    fn time(&self) -> Option<u64> {
        abi::wall().ok()
    }

    fn source(&self) -> Option<Vec<u8>> {
        abi::property("source\0address").ok().flatten()
    }

    fn subject(&self) -> Option<Vec<u8>> {
        abi::property("connection\0subject_peer_certificate").ok().flatten()
    }
}

/// The monotonic clock. Without one, time stands still, and no more lines are written than may follow at once.
fn now() -> Nanos {
    Clocks.monotonic().unwrap_or(Nanos(0))
}
