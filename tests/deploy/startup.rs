//! The watched file at start and while Envoy runs: absent, empty, broken, or refused by certgate. Nothing gets through
//! that should not, and what mends the file comes into force without a restart.

use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::envoys::{PINNED, VERSIONS, repository};
use crate::support::module;
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::world::World;
use serde_json::{Value, json};
use std::fs;
use tokio::task::{JoinSet, LocalSet};

/// Everybody's requests, by who asks for what: the client and a stranger, each with headers that say who they would like
/// to be, and somebody without a certificate for a path that a rule makes public.
const ASKED: [(&str, &str); 4] = [("client", "/"), ("client", "/healthz"), ("stranger", "/"), ("nobody", "/healthz")];

/// A world with a client.
struct Cast {
    world: World,
    client: Identity,
    stranger: Identity,
}

impl Cast {
    fn new() -> Self {
        let world = World::new();
        let [client, stranger] = ["client", "stranger"].map(|name| world.authority.client(name));
        Self { world, client, stranger }
    }

    fn registry(&self) -> Value {
        let mut registry = registry::of(&[("partner-a", "unlimited", &self.client)]);
        registry["rules"] = json!([{"name": "health", "match": {"path": "/healthz"}, "access": "public"}]);
        registry
    }

    /// The statuses that [`ASKED`] get.
    async fn statuses(&self, envoy: &Envoy) -> [u16; 4] {
        let mut statuses = [0; 4];
        for ((who, path), status) in ASKED.into_iter().zip(&mut statuses) {
            let caller = match who {
                "client" => self.world.caller(&self.client),
                "stranger" => self.world.caller(&self.stranger),
                _ => self.world.anonymous(),
            };
            let forged = Request::get(path).header("x-client-alias", "partner-a").header("x-client-tier", "unlimited");
            *status = caller.send(envoy.port(), &forged).await.status;
        }
        statuses
    }
}

/// Texts that are no registry that can be used, each with a word of what Envoy's log says of it.
fn broken() -> Vec<(&'static str, String, &'static str)> {
    let shipped = fs::read_to_string(repository().join("envoy/registry-ecds.yaml")).unwrap();
    // The shipped file with a client in a tier that there is not, as somebody would write it by mistake.
    let refused = shipped
        .replace("tier: bronze", "tier: bronz")
        .replace("filename: target/certgate.wasm", &format!("filename: {}", module::path().display()));
    assert!(refused.contains("tier: bronz\n"), "the shipped registry has changed, and this has not");
    let no_module = shipped.replace("target/certgate.wasm", "target/there-is-no-such.wasm");
    vec![
        ("empty", String::new(), "Unable to"),
        ("not YAML", "resources: [".to_owned(), "Filesystem config update failure"),
        ("nothing in it", "resources: []".to_owned(), "Unexpected number of resources"),
        ("cut off in the middle", shipped.split("configuration:").next().unwrap().to_owned(), "certgate refuses"),
        ("refused by certgate", refused, "clients[1].tier"),
        ("naming a module that is not there", no_module, "there-is-no-such.wasm"),
    ]
}

#[tokio::test]
async fn a_broken_file_at_start_lets_nothing_through_until_it_is_mended() {
    let all = async {
        let mut versions = JoinSet::new();
        for version in VERSIONS {
            versions.spawn_local(break_and_mend(version));
        }
        versions.join_all().await;
    };
    LocalSet::new().run_until(all).await;
}

async fn break_and_mend(version: &str) {
    // Of what Envoy cannot read, one kind is enough for the other versions; and what certgate refuses.
    let is_enough = |what: &str| version == PINNED || ["empty", "refused by certgate"].contains(&what);
    for (what, text, said) in broken().into_iter().filter(|(what, ..)| is_enough(what)) {
        let cast = Cast::new();
        let bootstrap = cast.world.ecds_bootstrap(&cast.registry()).version(version);
        let mut envoy = Envoy::start(bootstrap.watched_file_at_start(Some(&text))).await;
        // Envoy listens, and answers by itself: there is no certgate yet that could tell callers apart.
        assert_eq!(cast.statuses(&envoy).await, [500; 4], "{version}, {what}");
        let log = envoy.log();
        assert!(log.contains(said), "{version}, {what}: no `{said}` in\n{log}");
        assert_eq!(cast.world.forwarded(), 0, "{version}, {what}");
        if what != "refused by certgate" && ends_when_the_first_module_comes_late(version) {
            let status = envoy.push_and_end(&cast.registry()).await;
            assert!(!status.success() && envoy.log().contains("Segmentation fault"), "{version}, {what}: {status}");
            assert_eq!(cast.world.forwarded(), 0, "{version}, {what}");
            envoy = Envoy::start(cast.world.ecds_bootstrap(&cast.registry()).version(version)).await;
        } else {
            assert_eq!(envoy.push(&cast.registry()).await, Outcome::Live, "{version}, {what}");
        }
        assert_eq!(cast.statuses(&envoy).await, [200, 200, 403, 200], "{version}, {what}");
    }
}

/// Whether this Envoy ends with a segmentation fault where the first Wasm module comes after the start: before 1.39, on a
/// processor with memory protection keys (`pku`). V8 then makes its key after Envoy has started its threads, which have no
/// permission for that key.
fn ends_when_the_first_module_comes_late(version: &str) -> bool {
    let has_protection_keys = || fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| text.contains(" ospke"));
    ["1.36.4", "1.37.0"].contains(&version) && has_protection_keys()
}

/// Whoever runs Envoy sees that it does not, and where it should have looked.
#[tokio::test]
async fn without_the_file_envoy_does_not_start_and_names_it() {
    let cast = Cast::new();
    for version in VERSIONS {
        let bootstrap = cast.world.ecds_bootstrap(&cast.registry()).version(version).watched_file_at_start(None);
        let log = Envoy::try_start(bootstrap).await.err().unwrap_or_else(|| panic!("{version} must not start"));
        assert!(log.contains("registry-ecds.yaml' does not exist"), "{version}: {log}");
    }
}

#[tokio::test]
async fn a_file_that_goes_away_while_envoy_runs_changes_nothing_until_the_next_one_comes() {
    let cast = Cast::new();
    let mut envoy = Envoy::start(cast.world.ecds_bootstrap(&cast.registry())).await;
    let mut connection = cast.world.caller(&cast.client).connect(envoy.port()).await;
    assert_eq!(connection.get("/").await.status, 200);
    envoy.remove_watched_file();
    assert_eq!(cast.statuses(&envoy).await, [200, 200, 403, 200]);
    assert_eq!(envoy.push(&registry::of(&[])).await, Outcome::Live);
    assert_eq!(connection.get("/").await.status, 403, "the client is gone, on its open connection too");
}
