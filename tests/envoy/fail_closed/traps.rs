//! Traps on all workers, at start and on a reload, under traffic.

use super::{Cast, LONG, POLICIES, forged};
use crate::support::bootstrap::shipped;
use crate::support::client::Connection;
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::envoys::{PINNED, VERSIONS};
use crate::support::mutant::{Callback, Mutant};
use crate::support::wait::until;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

/// The callers of a [`Cast`], each on several connections, all of them calling all the time.
struct Traffic {
    state: Arc<Mutex<State>>,
    connections: usize,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct State {
    phase: &'static str,
    /// By phase, caller and status, of requests that began in that phase.
    answers: BTreeMap<(&'static str, &'static str, u16), usize>,
    /// By phase and connection.
    answered: BTreeMap<(&'static str, usize), usize>,
    failures: Vec<String>,
}

impl Traffic {
    /// Connections of each caller: with two workers, all but surely some on each.
    const OF_EACH: usize = 6;
    /// Answers on each connection that make a phase.
    const ANSWERS: usize = 5;

    async fn start(cast: &Cast, envoy: &Envoy) -> Self {
        let state = Arc::new(Mutex::new(State { phase: "start", ..State::default() }));
        let mut tasks = JoinSet::new();
        let mut connections = 0;
        for (who, caller) in cast.callers() {
            for _ in 0..Self::OF_EACH {
                let connection = caller.connect(envoy.port()).await;
                tasks.spawn(call_on(connection, connections, who, Arc::clone(&state)));
                connections += 1;
            }
        }
        Self { state, connections, _tasks: tasks }
    }

    /// Begins a phase.
    fn begin(&self, phase: &'static str) {
        self.state.lock().unwrap().phase = phase;
    }

    /// Begins a phase and waits until it has had its answers; the statuses that each caller got.
    async fn watch(&self, phase: &'static str) -> BTreeMap<&'static str, BTreeSet<u16>> {
        self.begin(phase);
        until(&format!("answers in the phase `{phase}`"), async || {
            let state = self.state.lock().unwrap();
            assert!(state.failures.is_empty(), "open connections stay open: {:?}", state.failures);
            let enough = |place| state.answered.get(&(phase, place)).is_some_and(|count| *count >= Self::ANSWERS);
            (0..self.connections).all(enough).then_some(())
        })
        .await;
        self.statuses(phase)
    }

    /// The statuses that each caller got in this phase.
    fn statuses(&self, phase: &'static str) -> BTreeMap<&'static str, BTreeSet<u16>> {
        let mut statuses = BTreeMap::<_, BTreeSet<_>>::new();
        for (in_phase, who, status) in self.state.lock().unwrap().answers.keys() {
            if *in_phase == phase {
                statuses.entry(*who).or_default().insert(*status);
            }
        }
        statuses
    }
}

async fn call_on(mut connection: Connection, place: usize, who: &'static str, state: Arc<Mutex<State>>) {
    loop {
        let phase = state.lock().unwrap().phase;
        let outcome = connection.try_send(&forged(who, phase)).await;
        {
            let mut state = state.lock().unwrap();
            match outcome {
                Ok(response) => {
                    *state.answers.entry((phase, who, response.status)).or_default() += 1;
                    *state.answered.entry((phase, place)).or_default() += 1;
                }
                Err(failure) => {
                    state.failures.push(format!("{who}, {phase}: {}", failure.0));
                    return;
                }
            }
        }
        // The machine is not for this test alone.
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

/// What each caller may be told while this callback traps on all workers. Before a new VM's first tick it decides
/// requests as it should; under `FAIL_RELOAD` there is a new VM every second.
fn told(callback: Callback, policy: &str) -> [BTreeSet<u16>; 3] {
    match (callback, policy) {
        // Envoy skips the filter, and the guard refuses.
        (Callback::Configure, _) => [[403].into(), [403].into(), [403].into()],
        (Callback::Tick, "FAIL_RELOAD") => [[200, 503].into(), [403, 503].into(), [403, 503].into()],
        _ => [[503].into(), [503].into(), [503].into()],
    }
}

fn assert_told(statuses: &BTreeMap<&str, BTreeSet<u16>>, callback: Callback, policy: &str, when: &str) {
    for (who, may) in ["client", "stranger", "nobody"].into_iter().zip(told(callback, policy)) {
        let were = &statuses[who];
        assert!(were.is_subset(&may), "{when}, {who}: told {were:?}, may be told {may:?}");
        assert!(!were.is_disjoint(&[403, 503].into()), "{when}, {who}: nothing failed: {were:?}");
    }
}

/// Waits until so many traps are in Envoy's log.
async fn trapped(envoy: &Envoy, callback: Callback, times: usize) {
    let line = format!("Function: {} failed", callback.export());
    let what = format!("{times} traps in {}", callback.export());
    until(&what, async || (envoy.log().matches(&line).count() >= times).then_some(())).await;
}

/// How many traps it takes until each worker has had one and, where Envoy makes new VMs, one of these has as well.
fn traps(callback: Callback, policy: &str) -> usize {
    if callback != Callback::Configure && policy == "FAIL_RELOAD" { 3 } else { 2 }
}

async fn traps_at_start(callback: Callback) {
    for version in VERSIONS {
        for policy in POLICIES {
            let cast = Cast::new();
            let mutant = Mutant::new().traps_on_workers(callback, 0).write();
            // Both shipped files, if not both of them everywhere.
            let bootstrap = match version {
                PINNED => cast.world.ecds_bootstrap(&cast.registry()),
                _ => cast.world.bootstrap(&cast.registry()),
            };
            let envoy = Envoy::start(bootstrap.version(version).module(&mutant).failure_policy(policy)).await;
            if callback == Callback::Tick {
                // A request that comes before the first tick takes the configuration up itself, and is decided by it.
                trapped(&envoy, callback, 2).await;
            }
            let traffic = Traffic::start(&cast, &envoy).await;
            let when = format!("{callback:?} at start, {version}, {policy}");
            assert_told(&traffic.watch("after").await, callback, policy, &when);
            trapped(&envoy, callback, traps(callback, policy)).await;
            assert_told(&traffic.watch("later").await, callback, policy, &when);
            let arrived = cast.arrived();
            match (callback, policy) {
                (Callback::Tick, "FAIL_RELOAD") => assert!(arrived.iter().all(|path| path.starts_with("/client/"))),
                _ => assert_eq!(arrived, [].into(), "{when}"),
            }
        }
    }
}

#[tokio::test]
async fn a_trap_in_on_configure_at_start() {
    traps_at_start(Callback::Configure).await;
}

#[tokio::test]
async fn a_trap_in_the_first_tick_at_start() {
    traps_at_start(Callback::Tick).await;
}

#[tokio::test]
async fn a_trap_in_the_first_request_at_start() {
    traps_at_start(Callback::Request).await;
}

async fn traps_on_a_reload(callback: Callback) {
    for version in VERSIONS {
        for policy in POLICIES {
            let cast = Cast::new();
            let mutant = Mutant::new().traps_on_workers(callback, LONG).write();
            let bootstrap = cast.world.ecds_bootstrap(&cast.registry()).version(version);
            let mut envoy = Envoy::start(bootstrap.module(&mutant).failure_policy(policy)).await;
            let traffic = Traffic::start(&cast, &envoy).await;
            let when = format!("{callback:?} on a reload, {version}, {policy}");
            let good: BTreeMap<_, BTreeSet<u16>> =
                [("client", [200].into()), ("stranger", [403].into()), ("nobody", [403].into())].into();
            assert_eq!(traffic.watch("before").await, good, "{when}");

            traffic.begin("reload");
            assert_eq!(envoy.push(&cast.padded_registry()).await, Outcome::Live, "{when}");
            trapped(&envoy, callback, 2).await;
            assert_told(&traffic.watch("after").await, callback, policy, &when);
            trapped(&envoy, callback, traps(callback, policy)).await;
            assert_told(&traffic.watch("later").await, callback, policy, &when);

            traffic.begin("mending");
            mend(&mut envoy, &cast, &mutant, callback).await;
            assert_eq!(
                traffic.watch("mended").await,
                good,
                "{when}: a good configuration mends it on open connections"
            );

            for phase in ["start", "before", "reload", "after", "later", "mending", "mended"] {
                let statuses = traffic.statuses(phase);
                let refused = ["stranger", "nobody"].iter().flat_map(|who| statuses.get(who)).flatten();
                refused.for_each(|status| assert_ne!(*status, 200, "{when}, {phase}"));
            }
            let arrived = cast.arrived();
            assert!(arrived.iter().all(|path| path.starts_with("/client/")), "{when}: {arrived:?}");
            if told(callback, policy)[0].contains(&200) {
                continue;
            }
            let in_vain = ["/client/after", "/client/later"].map(|path| arrived.contains(path));
            assert_eq!(in_vain, [false, false], "{when}: {arrived:?}");
        }
    }
}

/// Pushes a configuration under which nothing traps.
async fn mend(envoy: &mut Envoy, cast: &Cast, mutant: &Path, callback: Callback) {
    if callback != Callback::Configure {
        assert_eq!(envoy.push(&cast.registry()).await, Outcome::Live);
        return;
    }
    // Once a worker could not be configured, Envoy refuses whatever comes for the same VM. Another `configuration` of the
    // VM makes it another one, which shares the same data: the number of the configuration goes on.
    assert_eq!(envoy.push(&cast.registry()).await, Outcome::Refused);
    let mut resource = shipped("registry-ecds.yaml");
    let plugin = &mut resource["resources"][0]["typed_config"]["config"];
    plugin["vm_config"]["code"]["local"]["filename"] = json!(mutant);
    plugin["vm_config"]["configuration"] =
        json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": "mended"});
    plugin["configuration"]["value"] = cast.registry();
    assert_eq!(envoy.push_text(&resource.to_string()).await, Outcome::Live);
    until("the third configuration", async || envoy.log().contains("configuration 3 is active").then_some(())).await;
}

#[tokio::test]
async fn a_trap_in_on_configure_on_a_reload() {
    traps_on_a_reload(Callback::Configure).await;
}

#[tokio::test]
async fn a_trap_in_the_first_tick_on_a_reload() {
    traps_on_a_reload(Callback::Tick).await;
}

#[tokio::test]
async fn a_trap_in_the_first_request_on_a_reload() {
    traps_on_a_reload(Callback::Request).await;
}

/// Why there is a guard: Envoy skips a filter whose `on_configure` traps on a worker, whatever its failure policy. It is
/// also the proof that the tests above can fail.
#[tokio::test]
async fn without_the_guard_envoy_lets_everything_through() {
    for version in VERSIONS {
        for policy in POLICIES {
            let cast = Cast::new();
            let mutant = Mutant::new().traps_on_workers(Callback::Configure, 0).write();
            let bootstrap = cast.world.bootstrap(&cast.registry()).without_guard().version(version);
            let envoy = Envoy::start(bootstrap.module(&mutant).failure_policy(policy)).await;
            for (who, caller) in cast.callers() {
                let echo = caller.send(envoy.port(), &forged(who, "start")).await.echo();
                assert_eq!(echo.headers.get("x-client-alias"), Some("partner-b"), "{version}, {policy}, {who}");
            }
        }
    }
}

/// And it stays so: once a worker could not be configured, Envoy refuses the next good configuration too.
#[tokio::test]
async fn without_the_guard_a_reload_lets_everything_through_for_good() {
    let everybody: BTreeMap<_, BTreeSet<u16>> =
        ["client", "stranger", "nobody"].into_iter().map(|who| (who, [200].into())).collect();
    for version in VERSIONS {
        let cast = Cast::new();
        let mutant = Mutant::new().traps_on_workers(Callback::Configure, LONG).write();
        let bootstrap = cast.world.ecds_bootstrap(&cast.registry()).without_guard().version(version);
        let mut envoy = Envoy::start(bootstrap.module(&mutant)).await;
        let traffic = Traffic::start(&cast, &envoy).await;
        assert_eq!(envoy.push(&cast.padded_registry()).await, Outcome::Live, "{version}");
        assert_eq!(traffic.watch("after").await, everybody, "{version}");
        assert_eq!(envoy.push(&cast.registry()).await, Outcome::Refused, "{version}");
        assert_eq!(traffic.watch("later").await, everybody, "{version}");
    }
}
