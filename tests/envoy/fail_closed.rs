//! What fails, fails closed: broken variants of the module in the shipped configuration, and nothing gets past them that
//! must not.

use crate::support::bootstrap::shipped;
use crate::support::client::{Caller, Connection};
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::envoys::{PINNED, VERSIONS};
use crate::support::mutant::{Callback, Mutant, Status};
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::wait::until;
use crate::support::world::World;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

/// The policy as shipped, and Envoy's own default.
const POLICIES: [&str; 2] = ["FAIL_RELOAD", "FAIL_CLOSED"];

const DIGEST: &str = "connection\0sha256_peer_certificate_digest";

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

/// A request that says who sent it and when.
fn honest(who: &str, phase: &str) -> Request {
    Request::get(&format!("/{who}/{phase}"))
}

/// The same, which claims to be somebody else's.
fn forged(who: &str, phase: &str) -> Request {
    honest(who, phase).header("x-client-alias", "partner-b").header("x-client-tier", "gold")
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

/// What each caller may be told while this callback traps on all workers. Before a new VM's first tick it decides
/// requests as it should; under `FAIL_RELOAD` there is a new VM every second.
fn told(callback: Callback, policy: &str) -> [BTreeSet<u16>; 3] {
    match (callback, policy) {
        // Envoy skips the filter, and the belt refuses.
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
    until("the third configuration", async || envoy.log().contains("configuration 3 in force").then_some(())).await;
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

/// Why there is a belt: Envoy skips a filter whose `on_configure` traps on a worker, whatever its failure policy. It is
/// also the proof that the tests above can fail.
#[tokio::test]
async fn without_the_belt_envoy_lets_everything_through() {
    for version in VERSIONS {
        for policy in POLICIES {
            let cast = Cast::new();
            let mutant = Mutant::new().traps_on_workers(Callback::Configure, 0).write();
            let bootstrap = cast.world.bootstrap(&cast.registry()).without_belt().version(version);
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
async fn without_the_belt_a_reload_lets_everything_through_for_good() {
    let everybody: BTreeMap<_, BTreeSet<u16>> =
        ["client", "stranger", "nobody"].into_iter().map(|who| (who, [200].into())).collect();
    for version in VERSIONS {
        let cast = Cast::new();
        let mutant = Mutant::new().traps_on_workers(Callback::Configure, LONG).write();
        let bootstrap = cast.world.ecds_bootstrap(&cast.registry()).without_belt().version(version);
        let mut envoy = Envoy::start(bootstrap.module(&mutant)).await;
        let traffic = Traffic::start(&cast, &envoy).await;
        assert_eq!(envoy.push(&cast.padded_registry()).await, Outcome::Live, "{version}");
        assert_eq!(traffic.watch("after").await, everybody, "{version}");
        assert_eq!(envoy.push(&cast.registry()).await, Outcome::Refused, "{version}");
        assert_eq!(traffic.watch("later").await, everybody, "{version}");
    }
}

/// Starts an Envoy on each of these mutants and shows that nobody gets past it with such requests, and why.
async fn nothing_passes(
    request: fn(&str, &str) -> Request,
    table: impl IntoIterator<Item = (&'static str, Mutant, &'static str)>,
) {
    for (fault, mutant, reason) in table {
        let cast = Cast::new();
        let registry = registry::of(&[("partner-a", "gold", &cast.client)]);
        // Without the belt: it is certgate that refuses.
        let bootstrap = cast.world.bootstrap(&registry).without_belt();
        let envoy = Envoy::start(bootstrap.module(&mutant.write())).await;
        let mut connection = cast.world.caller(&cast.client).connect(envoy.port()).await;
        for _ in 0..3 {
            assert_eq!(connection.send(&request("client", "fault")).await.status, 503, "{fault}");
        }
        let labels = [("decision", "error"), ("reason", reason)];
        assert_eq!(envoy.admin.metric("certgate_requests_total", &labels).await, 3.0, "{fault}");
        for line in envoy.access_log(3).await {
            assert_eq!(line["certgate.reason"], reason, "{fault}");
        }
        for (who, caller) in cast.callers() {
            let status = caller.send(envoy.port(), &request(who, "fault")).await.status;
            assert!([403, 503].contains(&status), "{fault}, {who}: {status}");
        }
        assert_eq!(cast.world.forwarded(), 0, "{fault}");
    }
}

#[tokio::test]
async fn a_host_call_that_fails_under_a_request_refuses_it() {
    use Status::{CasMismatch, InternalFailure};
    let property = |path| Mutant::new().property_ends_with(path, InternalFailure);
    let clock = |name| Mutant::new().call_under_requests_ends_with(name, InternalFailure);
    let table = [
        ("others are always quicker", Mutant::new().buckets_store_ends_with(CasMismatch), "store_unavailable"),
        ("buckets cannot be stored", Mutant::new().buckets_store_ends_with(InternalFailure), "store_unavailable"),
        ("buckets cannot be read", Mutant::new().buckets_read_ends_with(InternalFailure), "store_unavailable"),
        ("the digest cannot be read", property(DIGEST), "internal"),
        ("the certificate cannot be read", property("connection\0peer_certificate"), "internal"),
        ("the monotonic clock cannot be read", clock("clock_time_get"), "internal"),
        ("the calendar cannot be read", clock("proxy_get_current_time_nanoseconds"), "internal"),
        ("no header can be set", fails("proxy_replace_header_map_value"), "internal"),
        ("no header can be removed", fails("proxy_remove_header_map_value"), "internal"),
    ];
    nothing_passes(forged, table).await;
    // Where nothing was claimed, nothing has to be replaced.
    let added = ("no header can be added", fails("proxy_add_header_map_value"), "internal");
    nothing_passes(honest, [added]).await;
}

#[tokio::test]
async fn a_host_call_that_fails_under_a_configuration_refuses_every_request() {
    let table = [
        ("the configuration cannot be read", "proxy_get_buffer_bytes"),
        ("nothing can be read from shared data", "proxy_get_shared_data"),
        ("nothing can be stored in shared data", "proxy_set_shared_data"),
        ("headers cannot be read", "proxy_get_header_map_pairs"),
        ("the calendar cannot be read", "proxy_get_current_time_nanoseconds"),
    ];
    nothing_passes(forged, table.map(|(fault, call)| (fault, fails(call), "internal"))).await;
}

/// What a failed allocation would do in `on_configure` on a worker is let everything through.
#[tokio::test]
async fn a_configuration_that_does_not_fit_into_memory_refuses_every_request() {
    let cast = Cast::new();
    let mut registry = cast.registry();
    registry["clients"][0]["description"] = json!("-".repeat(8 << 20));
    // Half of what it takes.
    let module = Mutant::new().memory_for(64).write();
    let envoy = Envoy::start(cast.world.bootstrap(&registry).without_belt().module(&module)).await;
    for (who, caller) in cast.callers() {
        assert_eq!(caller.send(envoy.port(), &forged(who, "memory")).await.status, 503, "{who}");
    }
    assert_eq!(cast.world.forwarded(), 0);
    assert!(envoy.log().contains("there is no memory for the configuration"));
}

fn fails(call: &str) -> Mutant {
    Mutant::new().call_ends_with(call, Status::InternalFailure)
}

/// Where Envoy does not show the certificate's digest, the certificate itself says who it is; where it shows neither, the
/// caller has none.
#[tokio::test]
async fn without_the_digest_the_certificate_is_the_evidence() {
    let mutant = Mutant::new().property_ends_with(DIGEST, Status::NotFound).write();
    for version in VERSIONS {
        let cast = Cast::new();
        let bootstrap = || cast.world.bootstrap(&cast.registry()).version(version).module(&mutant);
        let shows_certificates = !["1.36.4", "1.37.0"].contains(&version);
        let envoy = Envoy::start(bootstrap()).await;
        let client = cast.world.caller(&cast.client);
        if shows_certificates {
            let echo = client.get(envoy.port(), "/").await.echo();
            assert_eq!(echo.headers.get("x-client-fingerprint"), Some(cast.client.fingerprint().as_str()), "{version}");
        } else {
            assert_eq!(client.get(envoy.port(), "/").await.status, 403, "{version}");
            assert_eq!(envoy.access_log(1).await[0]["certgate.reason"], "no_certificate", "{version}");
            let envoy = Envoy::start(bootstrap().certificate_in_filter_state()).await;
            let echo = client.get(envoy.port(), "/").await.echo();
            assert_eq!(echo.headers.get("x-client-fingerprint"), Some(cast.client.fingerprint().as_str()), "{version}");
        }
        let before = cast.world.forwarded();
        for caller in [cast.world.caller(&cast.stranger), cast.world.anonymous()] {
            assert_eq!(caller.get(envoy.port(), "/").await.status, 403, "{version}");
        }
        assert_eq!(cast.world.forwarded(), before, "{version}");
    }
}

/// Whoever is refused goes nowhere, even if not even the refusal can be sent: Envoy's own timeout answers then.
#[tokio::test]
async fn a_refusal_that_cannot_be_sent_is_still_one() {
    let cast = Cast::new();
    let mutant = fails("proxy_send_local_response").write();
    let impatient = |manager: &mut Value| manager["request_timeout"] = json!("0.3s");
    let envoy = Envoy::start(cast.world.bootstrap(&cast.registry()).module(&mutant).edit(impatient)).await;
    for ((who, caller), status) in cast.callers().into_iter().zip([200, 504, 504]) {
        assert_eq!(caller.send(envoy.port(), &forged(who, "fault")).await.status, status, "{who}");
    }
    assert_eq!(cast.arrived(), ["/client/fault".to_owned()].into());
}

#[tokio::test]
async fn envoy_does_not_start_with_a_configuration_that_is_refused() {
    let cast = Cast::new();
    let mut registry = cast.registry();
    registry["clients"][0]["tier"] = json!("platinum");
    for version in VERSIONS {
        let outcome = Envoy::try_start(cast.world.bootstrap(&registry).version(version)).await;
        let log = outcome.err().expect("an error in the registry");
        assert!(log.contains("clients[0].tier"), "{version}: the log says what is wrong:\n{log}");
    }
}

/// With the registry in a watched file, Envoy starts and answers 500 until there is one that can be used.
#[tokio::test]
async fn a_watched_file_that_is_refused_at_start_can_be_mended() {
    for version in VERSIONS {
        let cast = Cast::new();
        let mut registry = cast.registry();
        registry["clients"][0]["tier"] = json!("platinum");
        let mut envoy = Envoy::start(cast.world.ecds_bootstrap(&registry).version(version)).await;
        for (who, caller) in cast.callers() {
            assert_eq!(caller.send(envoy.port(), &forged(who, "start")).await.status, 500, "{version}");
        }
        assert_eq!(cast.arrived(), [].into(), "{version}");
        assert_eq!(envoy.push(&cast.registry()).await, Outcome::Live, "{version}");
        for ((who, caller), status) in cast.callers().into_iter().zip([200, 403, 403]) {
            assert_eq!(caller.send(envoy.port(), &forged(who, "mended")).await.status, status, "{version}, {who}");
        }
        assert_eq!(cast.arrived(), ["/client/mended".to_owned()].into(), "{version}");
    }
}
