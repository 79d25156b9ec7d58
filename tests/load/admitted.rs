//! Never more than `burst + rate x t`, and little less when a client asks for more: with four workers and sixteen
//! connections, measured at the client and at the upstream.

use crate::calls::{Admitted, Calling, Limit, alone, measure, within_three_rounds};
use crate::support::bootstrap::Bootstrap;
use std::time::Duration;

const TIME: Duration = Duration::from_secs(10);
const CONNECTIONS: u32 = 16;
const WORKERS: u32 = 4;

/// What of the bound a client that asks for more must get.
const ENOUGH: f64 = 0.98;

/// So many requests a second, on all connections together.
fn paced(demand: u32) -> Calling {
    Calling::Each(TIME, Duration::from_secs(1) * CONNECTIONS / demand)
}

async fn round(
    rate: u32,
    burst: u32,
    calling: Calling,
    prepare: impl FnOnce(Bootstrap) -> Bootstrap,
) -> (Admitted, bool) {
    let limit = Limit { requests: rate, seconds: 1, burst };
    let connections = CONNECTIONS as usize;
    let prepare = |bootstrap: Bootstrap| prepare(bootstrap).concurrency(WORKERS);
    let (admitted, envoy) = measure(limit, connections, calling, prepare).await;
    assert!(admitted.is_within(), "{limit:?}: {admitted:?}");
    assert_eq!(envoy.admin.metric("certgate_requests_total", &[("decision", "error")]).await, 0.0);
    // The log of a passed test does not show it; `cargo test --test load -- --nocapture` does.
    println!("{rate}/s, burst {burst}: {:.4} of {:.0}, {} asked", admitted.share(), admitted.bound, admitted.asked);
    (admitted, admitted.share() >= ENOUGH)
}

/// Three bursts at once, each with an Envoy of its own: paced, so that there is time for all of them.
async fn three_at_once(rate: u32, bursts: [u32; 3], demand: u32) {
    let _machine = alone().await;
    let one = |burst| within_three_rounds(async move || round(rate, burst, paced(demand), |bootstrap| bootstrap).await);
    tokio::join!(one(bursts[0]), one(bursts[1]), one(bursts[2]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_a_second() {
    three_at_once(5, [1, 5, 10], 800).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_a_second() {
    three_at_once(500, [50, 500, 1000], 1200).await;
}

/// As fast as it goes, with Envoy in the upstream's place: this machine's two cores have no time for an upstream of the
/// test's own. A smaller burst than a tenth of a second's would be lost whenever this machine stands still that
/// long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_a_second() {
    let _machine = alone().await;
    for burst in [500, 5000, 10_000] {
        let answering = |bootstrap: Bootstrap| bootstrap.direct_response(200, "");
        within_three_rounds(async || round(5000, burst, Calling::For(TIME), answering).await).await;
    }
}
