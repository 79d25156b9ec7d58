//! What stands between two workers that draw from one bucket: the store's compare-and-swap, and that these tests notice
//! when it is not there.

use crate::calls::{Calling, Limit, alone, measure, within_three_rounds};
use crate::support::bootstrap::Bootstrap;
use crate::support::envoys::VERSIONS;
use crate::support::mutant::Mutant;

/// A bucket that is full and, for as long as a test may take, never fills again.
const BUCKET: u32 = 3000;

const LIMIT: Limit = Limit { requests: BUCKET, seconds: 30 * 86_400, burst: BUCKET };
const UNTIL_EMPTY: Calling = Calling::UntilRefused(20);
const CONNECTIONS: usize = 8;

/// Turns of a loop that make storing take about as long as everything else about a request.
const SLOWLY: u32 = 100_000;

/// While swaps take their time, and so collide.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_is_emptied_to_the_last_token_and_no_further() {
    let _machine = alone().await;
    let mutant = Mutant::new().store_takes(SLOWLY).write();
    for version in VERSIONS {
        within_three_rounds(async || {
            let prepare = |bootstrap: Bootstrap| bootstrap.version(version).module(&mutant).concurrency(4);
            let (admitted, envoy) = measure(LIMIT, CONNECTIONS, UNTIL_EMPTY, prepare).await;
            assert_eq!((admitted.requests, admitted.forwarded), (BUCKET as usize, BUCKET as usize), "{version}");
            let collided = envoy.admin.metric("certgate_store_conflicts_total", &[]).await > 0.0;
            (admitted, collided)
        })
        .await;
    }
}

/// The proof that these tests can fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_ignores_cas_is_caught() {
    let _machine = alone().await;
    let mutant = Mutant::new().store_ignores_cas().store_takes(SLOWLY).write();
    for workers in [2, 4] {
        within_three_rounds(async || {
            let prepare = |bootstrap: Bootstrap| bootstrap.module(&mutant).concurrency(workers);
            let (admitted, _) = measure(LIMIT, CONNECTIONS, UNTIL_EMPTY, prepare).await;
            let caught = !admitted.is_within();
            (admitted, caught)
        })
        .await;
    }
}
