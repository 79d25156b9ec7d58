//! What fails, fails closed: broken variants of the module in the shipped configuration, and nothing gets past them that
//! must not.

use crate::support::bootstrap::Bootstrap;
use crate::support::client::{Caller, Connection};
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::envoys::VERSIONS;
use crate::support::mutant::{Callback, Mutant, Status};
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::wait::until;
use crate::support::world::World;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

const CALLBACKS: [Callback; 3] = [Callback::Configure, Callback::Tick, Callback::Request];

/// The policy as shipped, and Envoy's own default.
const POLICIES: [&str; 2] = ["FAIL_RELOAD", "FAIL_CLOSED"];

/// More bytes than the registry of a test has, and fewer than a padded one.
const LONG: u32 = 16_384;

/// The registered client and two who are not, each of whom says that it is.
struct Cast {
    world: World,
    client: Identity,
    stranger: Identity,
}

impl Cast {
    fn new() -> Self {
        let world = World::new();
        let (client, stranger) = (world.authority.client("client"), world.authority.client("stranger"));
        Self { world, client, stranger }
    }

    fn registry(&self) -> Value {
        registry::of(&[("partner-a", "unlimited", &self.client)])
    }

    /// The same registry, in more than [`LONG`] bytes.
    fn padded_registry(&self) -> Value {
        let mut registry = self.registry();
        registry["clients"][0]["description"] = json!("-".repeat(LONG.try_into().unwrap()));
        registry
    }

    fn callers(&self) -> [(&'static str, Caller); 3] {
        [
            ("client", self.world.caller(&self.client)),
            ("stranger", self.world.caller(&self.stranger)),
            ("nobody", self.world.anonymous()),
        ]
    }

    /// Who got as far as an upstream, as they marked their requests. Panics if one of them went there under a name that
    /// is not its own.
    fn arrived(&self) -> BTreeSet<String> {
        let received = self.world.default.received().into_iter().chain(self.world.gold.received());
        received
            .map(|echo| {
                assert_eq!(echo.headers.get("x-client-alias"), Some("partner-a"), "{echo:?}");
                assert_eq!(echo.headers.get("x-client-tier"), Some("unlimited"), "{echo:?}");
                echo.path
            })
            .collect()
    }
}

/// A request that says who sent it and when, and claims to be somebody else's.
fn forged(who: &str, phase: &str) -> Request {
    let request = Request::get(&format!("/{who}/{phase}"));
    request.header("x-client-alias", "partner-b").header("x-client-tier", "gold")
}

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

#[tokio::test]
async fn scratch() {
    for policy in POLICIES {
    for callback in CALLBACKS {
        let cast = Cast::new();
        let mutant = Mutant::new().traps_on_workers(callback, LONG).write();
        let bootstrap = cast.world.ecds_bootstrap(&cast.registry()).module(&mutant).failure_policy(policy);
        let mut envoy = Envoy::start(bootstrap).await;
        let traffic = Traffic::start(&cast, &envoy).await;
        eprintln!("{policy} {callback:?}");
        eprintln!("  before {:?}", traffic.watch("before").await);
        traffic.begin("reload");
        let outcome = envoy.push(&cast.padded_registry()).await;
        eprintln!("  {outcome:?}");
        eprintln!("  after {:?}", traffic.watch("after").await);
        eprintln!("  reload {:?}", traffic.statuses("reload"));
        tokio::time::sleep(Duration::from_millis(2000)).await;
        eprintln!("  after {:?}", traffic.statuses("after"));
        eprintln!("  {:?}", envoy.push(&cast.registry()).await);
        eprintln!("  mended {:?}", traffic.watch("mended").await);
        eprintln!("  {:?}", cast.arrived());
        let log = envoy.log();
        for line in log.lines().filter(|l| l.contains("[wasm]")) { eprintln!("   {line}"); }
    }
    }
}
