//! Envoy's router and certgate's rules read a request alike: whatever its spelling, the route that answers is the one
//! that is equivalent to the rule that decided, or the request is refused.
//!
//! A rule is known by a limit of its own, which the response names; a route by a header that it adds.

mod patterns;
mod random;
mod spellings;

use crate::support::bootstrap::Bootstrap;
use crate::support::client::Caller;
use crate::support::command_line::Run;
use crate::support::envoy::Envoy;
use crate::support::fields::bytes;
use crate::support::raw::Raw;
use crate::support::registry;
use crate::support::world::World;
use patterns::{Pattern, patterns, rules, virtual_hosts};
use random::Random;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many requests got which status; with 200, every rule decided that is in there.
#[derive(Default)]
struct Tally {
    statuses: BTreeMap<u16, usize>,
    rules: BTreeMap<String, usize>,
}

/// A world with a client, the patterns of this seed, and the registry that has their rules.
struct Stage {
    world: World,
    caller: Caller,
    seed: u64,
    patterns: Vec<Pattern>,
    registry: Value,
}

impl Stage {
    fn new(seed: u64) -> Self {
        let world = World::new();
        let client = world.authority.client("client");
        let patterns = patterns(&mut Random::new(seed));
        let mut registry = registry::of(&[("client", "unlimited", &client)]);
        registry["rules"] = rules(&patterns);
        Self { caller: world.caller(&client), world, seed, patterns, registry }
    }

    /// The shipped bootstrap, with the virtual hosts of the patterns in place of its own.
    fn shipped(&self) -> Bootstrap {
        self.routed(self.world.bootstrap(&self.registry))
    }

    /// The rendered one, native guard and all.
    fn rendered(&self) -> Bootstrap {
        let text = render(&self.registry);
        self.routed(Bootstrap::in_world(&self.world, serde_saphyr::from_str(&text).unwrap()))
    }

    fn routed(&self, bootstrap: Bootstrap) -> Bootstrap {
        bootstrap.concurrency(1).edit(|manager| {
            manager["route_config"]["virtual_hosts"] = virtual_hosts(&self.patterns);
            manager.as_object_mut().unwrap().remove("access_log");
        })
    }

    /// Sends so many requests, and asserts that router and rules agree on each that passes.
    async fn assert_alike(&self, bootstrap: Bootstrap, what: &str, requests: usize) {
        let envoy = Envoy::start(bootstrap).await;
        let tally = self.ask(&envoy, what, requests).await;
        let of = |status| tally.statuses.get(&status).copied().unwrap_or_default();
        assert!(3 * of(200) > requests && 20 * of(403) > requests, "{what}: too few of one kind: {:?}", tally.statuses);
        assert!(
            2 * tally.rules.len() > self.patterns.len(),
            "{what}: {} rules of {}",
            tally.rules.len(),
            self.patterns.len()
        );
    }

    async fn ask(&self, envoy: &Envoy, what: &str, requests: usize) -> Tally {
        let mut random = Random::new(self.seed + 1);
        let mut connection: Option<Raw> = None;
        let mut tally = Tally::default();
        for _ in 0..requests {
            let pattern = random.of(&self.patterns);
            let head = spellings::head(&mut random, pattern);
            let mut open = match connection.take() {
                Some(open) => open,
                None => self.caller.raw(envoy.port()).await,
            };
            let response = open.exchange(bytes(&head)).await;
            *tally.statuses.entry(response.status).or_default() += 1;
            let route = response.header("x-route");
            let rule = response.header("ratelimit").and_then(|field| field.split('"').nth(1));
            if response.status == 200 {
                assert_eq!(route, rule, "{what}, seed {}: route and rule of {head:?}", self.seed);
                *tally.rules.entry(rule.expect("a rule").to_owned()).or_default() += 1;
            } else {
                // Envoy itself answers 400, or 404 where a path does not begin with `/`; certgate 403.
                let refused = [400, 403, 404].contains(&response.status) && (route, rule) == (None, None);
                assert!(refused, "{what}, seed {}: {response:?} to {head:?}", self.seed);
            }
            // Envoy ends a connection with a request that is none.
            connection = (response.status != 400 && response.header("connection") != Some("close")).then_some(open);
        }
        tally
    }
}

fn render(registry: &Value) -> String {
    let files = ["--certificate", "target/demo/server.pem", "--key", "target/demo/server.key"];
    let arguments = [&["render", "envoy", "--module", "target/certgate.wasm"], &files[..]].concat();
    Run::successful(&[&arguments[..], &["--trusted-ca", "target/demo/ca.pem", "-"]].concat(), &registry.to_string())
}

#[tokio::test]
async fn router_and_rules_agree_as_shipped() {
    let stage = Stage::new(1);
    stage.assert_alike(stage.shipped(), "as shipped", 20_000).await;
}

#[tokio::test]
async fn router_and_rules_agree_as_rendered() {
    let stage = Stage::new(100);
    stage.assert_alike(stage.rendered(), "as rendered", 20_000).await;
}

#[tokio::test]
async fn router_and_rules_agree_on_the_oldest_envoy() {
    let stage = Stage::new(200);
    stage.assert_alike(stage.shipped().version("1.36.4"), "1.36.4", 4_000).await;
}

/// Where Envoy leaves paths as they are, they have more spellings, and certgate alone refuses them.
#[tokio::test]
async fn router_and_rules_agree_without_normalisation_of_paths() {
    let stage = Stage::new(300);
    let bare = |manager: &mut Value| {
        manager["normalize_path"] = json!(false);
        manager["merge_slashes"] = json!(false);
        manager["path_with_escaped_slashes_action"] = json!("KEEP_UNCHANGED");
    };
    stage.assert_alike(stage.shipped().edit(bare), "paths as they are", 8_000).await;
}
