//! The table of scenarios on the compiled module, in real Envoys: all of it in the newest, and in each older one.

use crate::support::bootstrap::{Bootstrap, Clients, Form};
use crate::support::client::Caller;
use crate::support::envoy::Envoy;
use crate::support::pki::{Identity, Leaf};
use crate::support::request::{Request, Response};
use crate::support::scenarios::{self, Scenario, Seen, Step, Who};
use crate::support::world::World;
use serde_json::{Value, json};

/// Everybody in the scenarios, with a certificate each.
struct Cast(Vec<(Who, Identity)>);

impl Cast {
    fn new(world: &World) -> Self {
        let leaf = |who: Who| match who {
            Who::Expired => Leaf::client("expired").valid(-7200..=-3600),
            Who::NotYetValid => Leaf::client("early").valid(3600..=7200),
            other => Leaf::client(&format!("{other:?}")),
        };
        Self(Who::ALL.map(|who| (who, world.authority.issue(&leaf(who)))).into())
    }

    fn identity(&self, who: Who) -> &Identity {
        &self.0.iter().find(|(other, _)| *other == who).expect("everybody").1
    }

    fn registry(&self, options: &Value) -> Value {
        let certificate = |who: Who| (self.identity(who).fingerprint(), self.identity(who).certificate_pem.clone());
        let mut registry = scenarios::registry(certificate);
        registry.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        registry
    }

    fn caller(&self, world: &World, who: Who) -> Caller {
        match who {
            Who::Nobody => world.anonymous(),
            other => world.caller(self.identity(other)),
        }
    }
}

/// The shipped configuration, but open to certificates that TLS itself would refuse, and without the guard, so that what
/// is seen is certgate's own work.
fn bootstrap(world: &World, registry: &Value) -> Bootstrap {
    world.bootstrap(registry).clients(Clients::AnyDate).without_guard().concurrency(1)
}

fn seen(response: &Response, who: &Identity, log: &Value) -> Seen {
    let header = |name: &str| response.header(name).map(str::to_owned);
    let common = Seen {
        status: response.status,
        reason: log["certgate.reason"].as_str().map(str::to_owned),
        policy: header("ratelimit-policy"),
        rate_limit: header("ratelimit").as_deref().map(Seen::in_minutes),
        ..Seen::default()
    };
    if response.status != 200 {
        assert_eq!(header("cache-control").as_deref(), Some("no-store"));
        assert_eq!(header("content-type").as_deref(), Some("application/problem+json"));
        let retry_after = header("retry-after").map(|seconds| Seen::minutes(seconds.parse().unwrap()));
        return Seen { retry_after, body: Some(response.text().to_owned()), ..common };
    }
    let upstream = response.echo().headers;
    for forged in ["client-cert", "x-client-groups"] {
        assert_eq!(upstream.get(forged), None);
    }
    Seen {
        alias: upstream.get("x-client-alias").map(str::to_owned),
        tier: upstream.get("x-client-tier").map(str::to_owned),
        fingerprint: upstream.get("x-client-fingerprint") == Some(&who.fingerprint()),
        ..common
    }
}

async fn send(envoy: &Envoy, caller: &Caller, step: &Step) -> Response {
    let request = step.headers.iter().fold(Request::get("/"), |request, (name, value)| request.header(name, value));
    caller.send(envoy.port(), &request).await
}

async fn play(world: &World, cast: &Cast, scenario: &Scenario, bootstrap: Bootstrap, how: impl Fn(Caller) -> Caller) {
    let envoy = Envoy::start(bootstrap).await;
    for (place, step) in scenario.steps.iter().enumerate() {
        let response = send(&envoy, &how(cast.caller(world, step.who)), step).await;
        let log = envoy.access_log(place + 1).await;
        let seen = seen(&response, cast.identity(step.who), &log[place]);
        assert_eq!(seen, step.seen, "{}, request {place}, {:?}", scenario.name, step.who);
    }
}

#[tokio::test]
async fn every_scenario_on_the_newest_envoy() {
    let world = World::new();
    let cast = Cast::new(&world);
    for scenario in scenarios::all() {
        let registry = cast.registry(&scenario.options);
        play(&world, &cast, &scenario, bootstrap(&world, &registry), |caller| caller).await;
        play(&world, &cast, &scenario, bootstrap(&world, &registry).form(Form::Json), Caller::http2).await;
    }
}

/// Every scenario on an older Envoy, which shows certgate no certificate by itself before 1.39.
async fn on_older(version: &str) {
    let world = World::new();
    let cast = Cast::new(&world);
    for scenario in scenarios::all() {
        let registry = cast.registry(&scenario.options);
        let bootstrap = bootstrap(&world, &registry).version(version).certificate_in_filter_state();
        play(&world, &cast, &scenario, bootstrap, |caller| caller).await;
    }
}

#[tokio::test]
async fn every_scenario_on_envoy_1_36_4() {
    on_older("1.36.4").await;
}

#[tokio::test]
async fn every_scenario_on_envoy_1_37_0() {
    on_older("1.37.0").await;
}

#[tokio::test]
async fn every_scenario_on_envoy_1_39_3() {
    on_older("1.39.3").await;
}

#[tokio::test]
async fn json_in_bytes_is_a_configuration_too() {
    let world = World::new();
    let cast = Cast::new(&world);
    let envoy = Envoy::start(bootstrap(&world, &cast.registry(&json!({}))).form(Form::Bytes)).await;
    let echo = cast.caller(&world, Who::Gold).get(envoy.port(), "/").await.echo();
    assert_eq!(echo.headers.get("x-client-alias"), Who::Gold.alias());
}

#[tokio::test]
async fn refusals_for_identity_are_the_same_bytes() {
    let world = World::new();
    let cast = Cast::new(&world);
    let envoy = Envoy::start(bootstrap(&world, &cast.registry(&json!({})))).await;
    let refused = [Who::Nobody, Who::Stranger, Who::Revoked, Who::Disabled, Who::Expired, Who::NotYetValid];
    let mut responses = Vec::new();
    for who in refused {
        let mut raw = cast.caller(&world, who).raw(envoy.port()).await;
        let mut response = raw.exchange("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        response.headers.0.retain(|(name, _)| name != "date");
        responses.push(response);
    }
    for (who, response) in refused.iter().zip(&responses) {
        assert_eq!(response.status, 403);
        assert_eq!(response, &responses[0], "{who:?} learns something");
    }
}

#[tokio::test]
async fn access_logs_can_read_everything_with_filter_state_always() {
    let world = World::new();
    let cast = Cast::new(&world);
    let filter_state = |manager: &mut Value| {
        for logger in manager["access_log"].as_array_mut().expect("access loggers") {
            let format = &mut logger["typed_config"]["log_format"]["json_format"];
            format["certgate.client.alias"] = json!("%FILTER_STATE(wasm.certgate.alias:PLAIN)%");
            format["certgate.tier"] = json!("%FILTER_STATE(wasm.certgate.tier:PLAIN)%");
        }
    };
    for (option, alias) in [("refusals", Value::Null), ("always", json!("gold-client"))] {
        let registry = cast.registry(&json!({"filter_state": option}));
        let envoy = Envoy::start(bootstrap(&world, &registry).edit(filter_state)).await;
        cast.caller(&world, Who::Gold).get(envoy.port(), "/").await.echo();
        cast.caller(&world, Who::Revoked).get(envoy.port(), "/").await;
        let log = envoy.access_log(2).await;
        assert_eq!(log[0]["certgate.client.alias"], alias);
        assert_eq!(log[1]["certgate.client.alias"], "revoked-client");
        assert_eq!(log[1]["certgate.tier"], "gold");
        assert_eq!(log[1]["certgate.reason"], "certificate_revoked");
    }
}

#[tokio::test]
async fn the_log_offers_an_entry_for_a_stranger_which_lets_them_in() {
    let world = World::new();
    let cast = Cast::new(&world);
    let mut registry = cast.registry(&json!({}));
    let hostile = world.authority.client("\u{1b}[31m\"}\r\n\u{2028}x");
    let envoy = Envoy::start(world.bootstrap(&registry)).await;
    assert_eq!(world.caller(&hostile).get(envoy.port(), "/").await.status, 403);
    let log = envoy.log();
    let line = log.lines().find(|line| line.contains("client_entry")).expect("a line about the stranger");
    let (_, object) = line.split_once(": {").expect("an object behind Envoy's own words");
    let line: Value = serde_json::from_str(&format!("{{{object}")).expect("one JSON object");
    assert_eq!(line["tls.client.hash.sha256"], hostile.fingerprint());
    drop(envoy);
    registry["clients"].as_array_mut().unwrap().push(line["certgate.client_entry"].clone());
    let envoy = Envoy::start(world.bootstrap(&registry)).await;
    let echo = world.caller(&hostile).get(envoy.port(), "/").await.echo();
    assert_eq!(echo.headers.get("x-client-alias"), line["certgate.client_entry"]["alias"].as_str());
}
