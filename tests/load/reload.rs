//! A registry that changes under full load: not one request is lost, and what is admitted keeps to the law.

use crate::calls::{Calling, Limit, alone, call};
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::world::World;
use std::time::{Duration, Instant};
use tokio::time::sleep;

const TIME: Duration = Duration::from_secs(6);
const CONNECTIONS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_most_both_bursts_and_the_larger_rate_are_admitted_and_at_least_what_both_limits_owe() {
    let _machine = alone().await;
    let small = Limit { requests: 300, seconds: 1, burst: 300 };
    let large = Limit { requests: 900, seconds: 1, burst: 1200 };
    for (old, new) in [(small, large), (large, small)] {
        let world = World::new();
        let client = world.authority.client("client");
        let bootstrap = world.ecds_bootstrap(&old.registry(&client)).concurrency(4).spread_evenly();
        let mut envoy = Envoy::start(bootstrap).await;
        let (caller, port) = (world.caller(&client), envoy.port());
        let start = Instant::now();
        let calls = tokio::spawn(async move { call(&caller, port, CONNECTIONS, Calling::For(TIME)).await });
        sleep(TIME / 2).await;
        let before = start.elapsed().as_secs_f64();
        assert_eq!(envoy.push(&new.registry(&client)).await, Outcome::Live);
        let after = start.elapsed().as_secs_f64();
        // Any other answer than 200 and 429 ends the test.
        let (admitted, asked) = calls.await.unwrap();
        let elapsed = start.elapsed().as_secs_f64();
        let most = f64::from(old.burst + new.burst) + old.rate().max(new.rate()) * elapsed;
        // The old limit to the push, the new one from when it was live; what changes hands is not owed.
        let least = old.rate() * before + new.rate() * (TIME.as_secs_f64() - after);
        let line = format!("{old:?} to {new:?}: {admitted} of {asked}, from {least:.0} to {most:.0}");
        println!("{line}");
        assert!(admitted as f64 <= most && world.forwarded() == admitted, "{line}");
        assert!(asked > admitted && admitted as f64 >= 0.9 * least, "{line}");
        let refused = [("decision", "error")];
        assert_eq!(envoy.admin.metric("certgate_requests_total", &refused).await, 0.0);
    }
}
