//! Envoy's log.

use super::abi;
use super::clocks::Clocks;
use super::worker::Connection;
use certgate_core::domain::decision::Reason;
use certgate_core::domain::policy::Audit;
use certgate_core::domain::time::Nanos;
use certgate_core::engine::host::{Clock, Peer};
use certgate_core::telemetry::audit_event::Event;
use certgate_core::telemetry::audit_log::{AuditLog, Facts};
use certgate_core::telemetry::log::{Level, Log};
use std::fmt;

/// Envoy's log. Envoy decides by its own level which lines it writes.
pub(super) struct EnvoyLog;

impl Log for EnvoyLog {
    fn log(&self, level: Level, line: fmt::Arguments<'_>) {
        match level {
            Level::Info => log::info!("{line}"),
            Level::Warn => log::warn!("{line}"),
        }
    }
}

/// The limited log lines of a VM.
#[derive(Default)]
pub(super) struct LogSink(AuditLog);

impl LogSink {
    /// Writes the line of the event of a request that was decided with this reason, unless there were too many.
    pub(super) fn write<'e>(&self, audit: Audit, reason: Option<Reason>, event: impl FnOnce() -> Event<'e>) {
        if let Some((level, line)) = self.0.line(audit, (reason, event), now(), &Properties) {
            EnvoyLog.log(level, format_args!("{line}"));
        }
    }

    /// Writes a line about a fault of Envoy or of certgate, unless there were too many.
    pub(super) fn report_fault(&self, line: impl FnOnce() -> String) {
        if self.0.may_report_fault(now()) {
            log::error!("{}", line());
        }
    }
}

/// Envoy's attributes of the request.
struct Properties;

impl Facts for Properties {
    fn time(&self) -> Option<u64> {
        abi::wall().ok()
    }

    fn source(&self) -> Option<Vec<u8>> {
        abi::property("source\0address").ok().flatten()
    }

    fn certificate(&self) -> Option<Vec<u8>> {
        Connection.certificate().ok().flatten()
    }

    fn subject(&self) -> Option<Vec<u8>> {
        abi::property("connection\0subject_peer_certificate").ok().flatten()
    }

    fn verified(&self) -> bool {
        Connection.verified().unwrap_or(false)
    }
}

/// The monotonic clock. While it fails, time stands still, and no more lines are written than one burst.
fn now() -> Nanos {
    Clocks.monotonic().unwrap_or(Nanos(0))
}
