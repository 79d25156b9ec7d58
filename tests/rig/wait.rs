//! Waiting, always within a bound and never longer than necessary.

use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long anything may take before it counts as stuck. Generous: tests share the machine with builds.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Asks `probe` again and again until it answers with a value. Panics, saying `what` did not happen, after [`PATIENCE`].
pub async fn until<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = within(what, probe()).await {
            return value;
        }
        assert!(started.elapsed() < PATIENCE, "still waiting after {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// The outcome of `work`. Panics, naming `what`, if there is none within [`PATIENCE`].
pub async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, work).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("no answer within {PATIENCE:?}: {what}"),
    }
}
