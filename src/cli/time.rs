//! The clock of the command line. Must not know the validity of anything.

use certgate_core::domain::time::UnixSeconds;
use std::time::{SystemTime, UNIX_EPOCH};

/// The current time.
pub(crate) fn now() -> UnixSeconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixSeconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
