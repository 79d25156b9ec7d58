//! Telemetry on any host: which metrics exist and with which labels, the audit log and its limits, the gauges of when
//! credentials expire.

pub mod audit_event;
pub mod audit_log;
pub mod counters;
pub mod expiry_gauges;
pub mod log;
pub mod log_limiter;
pub mod metrics;
pub mod presented_certificate;
pub(crate) mod quoted;
pub mod trace_parent;
