//! One client that calls on many connections, spread over all workers, and what was admitted of it.

use crate::support::bootstrap::Bootstrap;
use crate::support::client::Caller;
use crate::support::envoy::Envoy;
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::world::World;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

/// A limit of so many requests in so many seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) requests: u32,
    pub(crate) seconds: u32,
    pub(crate) burst: u32,
}

impl Limit {
    /// Tokens a second.
    pub(crate) fn rate(self) -> f64 {
        f64::from(self.requests) / f64::from(self.seconds)
    }

    /// A registry with this client under this limit.
    pub(crate) fn registry(self, client: &Identity) -> Value {
        let Self { requests, seconds, burst } = self;
        let mut registry = registry::of(&[("partner-a", "limited", client)]);
        let limit = json!({"name": "limit", "requests": requests, "per": format!("{seconds}s"), "burst": burst});
        registry["tiers"] = json!({"limited": {"limits": [limit]}});
        registry
    }
}

/// How each connection calls.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Calling {
    /// For this time, a request as soon as the last one is answered.
    For(Duration),
    /// For this time, a request each time so much has passed.
    Each(Duration, Duration),
    /// Until so many were refused: the bucket is empty, and takes long to fill.
    UntilRefused(usize),
}

/// What was admitted of one client's requests, and what should have been.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted {
    /// Answers with 200.
    pub(crate) requests: usize,
    /// Requests at the upstream.
    pub(crate) forwarded: usize,
    /// Answers of either kind.
    pub(crate) asked: usize,
    /// `burst + rate x t`: the most that may be admitted.
    pub(crate) bound: f64,
}

impl Admitted {
    /// Whether nothing was admitted beyond the bound.
    pub(crate) fn is_within(&self) -> bool {
        self.requests.max(self.forwarded) as f64 <= self.bound
    }

    /// What was admitted as a share of the whole requests that could be.
    pub(crate) fn share(&self) -> f64 {
        self.requests as f64 / self.bound.floor()
    }
}

/// The machine, for one test.
pub(crate) async fn alone() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::const_new(());
    MACHINE.lock().await
}

/// Calls as one client on so many connections until each has called enough; answers with 200, and all.
pub(crate) async fn call(caller: &Caller, port: u16, connections: usize, calling: Calling) -> (usize, usize) {
    let mut calls = JoinSet::new();
    for _ in 0..connections {
        calls.spawn(call_on_one(caller.clone(), port, calling));
    }
    let answers = calls.join_all().await;
    answers.into_iter().fold((0, 0), |sum, (admitted, refused)| (sum.0 + admitted, sum.1 + admitted + refused))
}

/// A connection's answers with 200 and with 429.
async fn call_on_one(caller: Caller, port: u16, calling: Calling) -> (usize, usize) {
    let mut connection = caller.connect(port).await;
    let (start, request) = (Instant::now(), Request::get("/"));
    let mut pace = match calling {
        Calling::Each(_, gap) => Some(interval(gap)),
        _ => None,
    };
    if let Some(pace) = &mut pace {
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    let (mut admitted, mut refused) = (0, 0);
    let mut enough = false;
    while !enough {
        if let Some(pace) = &mut pace {
            pace.tick().await;
        }
        match connection.send(&request).await.status {
            200 => admitted += 1,
            429 => refused += 1,
            other => panic!("neither admitted nor refused: {other}"),
        }
        enough = match calling {
            Calling::For(time) | Calling::Each(time, _) => start.elapsed() >= time,
            Calling::UntilRefused(times) => refused >= times,
        };
    }
    (admitted, refused)
}

/// Calls as one client on connections that Envoy spreads evenly over its workers. The Envoy goes on for questions.
pub(crate) async fn measure(
    limit: Limit,
    connections: usize,
    calling: Calling,
    prepare: impl FnOnce(Bootstrap) -> Bootstrap,
) -> (Admitted, Envoy) {
    let world = World::new();
    let client = world.authority.client("client");
    let envoy = Envoy::start(prepare(world.bootstrap(&limit.registry(&client)).spread_evenly())).await;
    let start = Instant::now();
    let (requests, asked) = call(&world.caller(&client), envoy.port(), connections, calling).await;
    let bound = f64::from(limit.burst) + limit.rate() * start.elapsed().as_secs_f64();
    (Admitted { requests, forwarded: world.forwarded(), asked, bound }, envoy)
}

/// Measures until a round satisfies, which on a machine that stands still at times the first one may not.
pub(crate) async fn within_three_rounds(mut round: impl AsyncFnMut() -> (Admitted, bool)) {
    let mut measured = Vec::new();
    for _ in 0..3 {
        let (admitted, satisfies) = round().await;
        measured.push(admitted);
        if satisfies {
            return;
        }
    }
    panic!("{measured:?}");
}
