//! Envoy's clocks, as the engine's.

use super::abi;
use certgate_core::domain::time::{Nanos, UnixSeconds};
use certgate_core::engine::host::{Clock, HostFailure};

/// Envoy's two clocks.
pub(super) struct Clocks;

impl Clock for Clocks {
    fn monotonic(&self) -> Result<Nanos, HostFailure> {
        abi::monotonic().map(Nanos)
    }

    fn wall(&self) -> Result<UnixSeconds, HostFailure> {
        let seconds = abi::wall()?.div_euclid(Nanos::PER_SECOND);
        Ok(UnixSeconds(i64::try_from(seconds).unwrap_or(i64::MAX)))
    }
}
