//! The state that all contexts of a VM share.

use super::log_sink::LogSink;
use super::metrics::Metrics;
use super::spare::Spare;
use certgate_core::telemetry::expiry_gauges::ExpiryGauges;
use std::cell::Cell;

/// The state that all contexts of a VM share. Each thread has one VM, which serves every configuration.
#[derive(Default)]
pub(super) struct VmState {
    pub(super) metrics: Metrics,
    pub(super) gauges: ExpiryGauges,
    pub(super) log: LogSink,
    pub(super) spare: Spare,
    /// Memory for the next key in shared data: the last one's.
    pub(super) spare_key: Cell<String>,
}
