//! Rules: which of them decides about a request, whom it admits, what it counts, and what forged headers, other methods,
//! redirects and reloads make of it.

mod limits;
mod methods;

use crate::support::client::{Caller, Connection};
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::pki::{Identity, Leaf};
use crate::support::registry;
use crate::support::request::{Request, Response};
use crate::support::world::World;
use certgate_core::domain::headers::ALWAYS_OWNED;
use serde_json::{Value, json};

/// A registry of these clients with these rules. Beside the usual tiers there are `plain`, which nobody uses up, and
/// `slow`: two a day.
fn ruled(clients: &[(&str, &str, &Identity)], rules: Value) -> Value {
    let mut registry = registry::of(clients);
    registry["tiers"]["plain"] = json!({"limits": [{"name": "hourly", "requests": 1000, "per": "1h"}]});
    registry["tiers"]["slow"] = json!({"limits": [{"name": "daily", "requests": 2, "per": "1d"}]});
    registry["rules"] = rules;
    registry
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// 403, and no upstream sees it.
    Refused,
    /// It reaches the upstream, which learns nothing of who sent it.
    Nameless,
    /// It reaches the upstream under its client's name.
    Named,
}

use Fate::{Named, Nameless, Refused};

/// Somebody with a connection, and the alias that is theirs.
struct Party {
    alias: Option<&'static str>,
    connection: Connection,
}

impl Party {
    /// Sends the request with every identity header forged.
    async fn fate(&mut self, world: &World, request: &Request) -> Fate {
        let forged = ALWAYS_OWNED.iter().fold(request.clone(), |request, name| request.header(name, "finance"));
        let before = world.forwarded();
        let response = self.connection.send(&forged).await;
        if response.status == 403 {
            assert_eq!(world.forwarded(), before, "refused, and forwarded");
            return Refused;
        }
        assert_eq!((response.status, world.forwarded()), (200, before + 1), "{response:?}");
        let upstream = world.default.received().pop().expect("a request").headers;
        let said: Vec<_> = ALWAYS_OWNED.iter().filter(|name| !upstream.all(name).is_empty()).copied().collect();
        if said.is_empty() {
            return Nameless;
        }
        assert_eq!(said, ["x-client-alias", "x-client-tier", "x-client-fingerprint"]);
        assert_eq!(upstream.get("x-client-alias"), self.alias);
        Named
    }
}

#[tokio::test]
async fn the_first_rule_that_matches_decides_whatever_identity_is_forged() {
    let world = World::new();
    let [partner, finance, stranger] = ["partner", "finance", "stranger"].map(|name| world.authority.client(name));
    let mut registry = ruled(
        &[("partner", "unlimited", &partner), ("finance", "unlimited", &finance)],
        json!([
            {"match": {"path": "/healthz", "methods": ["GET"]}, "access": "public"},
            {"match": {"hosts": ["*.example.org"], "path": "/admin/**"}, "access": "deny"},
            {"match": {"hosts": ["open.example.org"]}, "access": "public"},
            {"match": {"hosts": ["*.example.org", "api.example.com"]}, "access": "optional"},
            {"match": {"path": "/payments/**", "methods": ["POST", "PUT"]}, "groups": ["finance"]},
            {"match": {"path": "/orders/{id}"}, "access": "optional"},
            {"match": {"path": "/orders/{id}/lines/*"}, "access": "public"},
            {"match": {"path": "/admin/**"}, "access": "deny"},
            {"match": {"path": "/admin/open"}, "access": "public"},
        ]),
    );
    registry["clients"][1]["groups"] = json!(["finance"]);
    let envoy = Envoy::start(world.bootstrap(&registry).without_guard()).await;

    let (public, optional, required) =
        ([Nameless; 4], [Nameless, Refused, Named, Named], [Refused, Refused, Named, Named]);
    let (finance_only, denied) = ([Refused, Refused, Refused, Named], [Refused; 4]);
    // What becomes of it if nobody, a stranger, a client and one in the group sends it.
    #[rustfmt::skip]
    let table = [
        ("GET", "localhost", "/healthz", public),
        ("GET", "open.example.org", "/healthz", public),
        ("GET", "localhost", "/healthz?verbose", public),
        ("HEAD", "localhost", "/healthz", required),
        ("POST", "localhost", "/healthz", required),
        ("GET", "localhost", "/healthz/x", required),
        ("GET", "localhost", "/healthzx", required),
        ("GET", "open.example.org", "/x", public),
        ("GET", "open.example.org:8443", "/x", public),
        ("GET", "open.example.org", "/admin", denied),
        ("GET", "a.example.org", "/x", optional),
        ("GET", "a.b.EXAMPLE.org", "/x", optional),
        ("GET", "example.org", "/x", required),
        ("GET", "xexample.org", "/x", required),
        ("GET", "api.example.com", "/x", optional),
        ("GET", "www.api.example.com", "/x", required),
        ("POST", "api.example.com", "/payments/7", optional),
        ("POST", "localhost", "/payments", finance_only),
        ("POST", "localhost", "/payments/", finance_only),
        ("PUT", "localhost", "/payments/7/lines", finance_only),
        ("POST", "localhost", "/Payments/7", required),
        ("GET", "localhost", "/payments/7", required),
        ("DELETE", "localhost", "/orders/7", optional),
        ("GET", "localhost", "/orders/7/", optional),
        ("GET", "localhost", "/orders", required),
        ("GET", "localhost", "/orders/7/lines", required),
        ("GET", "localhost", "/orders/7/lines/8", public),
        ("GET", "localhost", "/admin", denied),
        ("OPTIONS", "localhost", "/admin/users/7", denied),
        ("GET", "localhost", "/admin/open", denied),
        ("GET", "localhost", "/administrator", required),
        ("GET", "localhost", "/", required),
    ];
    for http2 in [false, true] {
        let speak = |caller: Caller| if http2 { caller.http2() } else { caller };
        let callers = [
            (None, world.anonymous()),
            (None, world.caller(&stranger)),
            (Some("partner"), world.caller(&partner)),
            (Some("finance"), world.caller(&finance)),
        ];
        let mut parties = Vec::new();
        for (alias, caller) in callers {
            parties.push(Party { alias, connection: speak(caller).connect(envoy.port()).await });
        }
        for (method, host, path, expected) in table {
            let request = Request::new(method.parse().unwrap(), path).authority(host);
            let mut fates = Vec::new();
            for party in &mut parties {
                fates.push(party.fate(&world, &request).await);
            }
            assert_eq!(fates, expected, "{method} {host} {path}, HTTP/2: {http2}");
        }
    }
}

/// A response with everything that its caller sees, in order, but the date.
async fn raw(caller: &Caller, port: u16, path: &str) -> Response {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let mut response = caller.raw(port).await.exchange(request).await;
    response.headers.0.retain(|(name, _)| name != "date");
    response
}

#[tokio::test]
async fn whom_a_rule_does_not_admit_learns_no_more_than_a_stranger() {
    let world = World::new();
    let cart = Leaf::client("cart").organizational_unit("shop").uri("spiffe://example.org/ns/eu/sa/cart");
    let till = Leaf::client("till").organizational_unit("shops").dns("till.shop.example");
    let [cart, till] = [cart, till].map(|leaf| world.authority.issue(&leaf));
    let plain = world.authority.client("plain");
    // Which of `cart`, `till` and `plain` may.
    let table = [
        (json!({"groups": ["audit", "finance"]}), [true, true, false]),
        (json!({"groups": ["finance"]}), [true, false, false]),
        (json!({"aliases": ["till", "plain"]}), [false, true, true]),
        (json!({"tiers": ["plain"]}), [false, false, true]),
        (json!({"tiers": ["unlimited", "slow"]}), [true, true, false]),
        (json!({"scopes": ["read"]}), [true, true, false]),
        (json!({"scopes": ["read", "write"]}), [true, false, false]),
        (json!({"subject": {"organizational_unit": "shop"}}), [true, false, false]),
        (json!({"subject": {"organizational_unit": "shop", "common_name": "till"}}), [false, false, false]),
        (json!({"issuer": {"common_name": "the trusted authority"}}), [true, true, true]),
        (json!({"issuer": {"common_name": "another"}}), [false, false, false]),
        (json!({"uri_san": ["spiffe://example.org/ns/*/sa/cart"]}), [true, false, false]),
        (json!({"uri_san": ["spiffe://example.org/ns/*/sa/till", "spiffe://example.org/x"]}), [false, false, false]),
        (json!({"dns_san": ["*.shop.example"]}), [false, true, false]),
        (
            json!({"groups": ["finance"], "scopes": ["read"], "tiers": ["unlimited"], "aliases": ["cart"],
                "subject": {"organizational_unit": "shop"}}),
            [true, false, false],
        ),
        (json!({"groups": ["finance"], "tiers": ["plain"]}), [false, false, false]),
    ];
    let rules = table.iter().enumerate().map(|(place, (who, _))| {
        let mut rule = who.clone();
        rule["name"] = json!(format!("rule-{place}"));
        rule["match"] = json!({"path": format!("/{place}")});
        rule
    });
    let clients = [("cart", "unlimited", &cart), ("till", "unlimited", &till), ("plain", "plain", &plain)];
    let mut registry = ruled(&clients, rules.collect());
    registry["clients"][0]["groups"] = json!(["finance"]);
    registry["clients"][1]["groups"] = json!(["audit", "sales"]);
    registry["clients"][0]["scopes"] = json!(["read", "write"]);
    registry["clients"][1]["scopes"] = json!(["read"]);
    registry["rate_limit_headers"] = json!("off");
    // One worker, so that it has seen every full handshake.
    let envoy = Envoy::start(world.bootstrap(&registry).concurrency(1)).await;
    let callers = clients.map(|(_, _, identity)| world.caller(identity));
    let stranger = raw(&world.caller(&world.authority.client("stranger")), envoy.port(), "/").await;
    assert_eq!(stranger.status, 403);

    let mut refused = 0;
    for (place, (who, expected)) in table.iter().enumerate() {
        for (caller, admitted) in callers.iter().zip(expected) {
            let response = raw(caller, envoy.port(), &format!("/{place}")).await;
            if *admitted {
                assert_eq!(response.status, 200, "{who}");
            } else {
                assert_eq!(response, stranger, "{who}");
                refused += 1;
            }
        }
    }
    let count = |reason| async move { envoy.admin.metric("certgate_requests_total", &[("reason", reason)]).await };
    assert_eq!(count("rule_denied").await, f64::from(refused));
    assert_eq!(count("unknown_certificate").await, 1.0);
    let log = envoy.access_log(1 + table.len() * callers.len()).await;
    for line in log.iter().skip(1).filter(|line| line["http.response.status_code"] == 403) {
        assert_eq!(line["certgate.reason"], "rule_denied", "{line}");
        assert!(line["certgate.client.alias"].is_string(), "{line}");
    }
    assert!(envoy.log().contains(r#""certgate.rule":"rule-1""#), "the log names the rule:\n{}", envoy.log());
}

#[tokio::test]
async fn an_internal_redirect_is_decided_by_the_rule_of_its_new_path_and_host() {
    let world = World::new();
    let client = world.authority.client("client");
    let rules = json!([
        {"match": {"path": "/from/**"}},
        {"match": {"hosts": ["admin.example.org"]}, "access": "deny"},
        {"match": {"path": "/admin/**"}, "access": "deny"},
        {"match": {"path": "/finance"}, "groups": ["finance"]},
        {"match": {"path": "/open"}, "access": "public"},
    ]);
    let bootstrap = world.bootstrap(&ruled(&[("client", "unlimited", &client)], rules)).without_guard();
    let envoy = Envoy::start(bootstrap.internal_redirects()).await;
    let mut connection = world.caller(&client).connect(envoy.port()).await;
    for (place, (to, fate)) in [
        ("https://localhost/admin", Refused),
        ("https://localhost/admin/x", Refused),
        ("https://localhost/finance", Refused),
        ("https://admin.example.org/", Refused),
        ("https://localhost/open", Nameless),
        ("https://localhost/x", Named),
    ]
    .into_iter()
    .enumerate()
    {
        let from = format!("/from/{place}");
        world.default.redirect(&from, to);
        let before = world.forwarded();
        let response = connection.send(&Request::get(&from).header("x-client-alias", "finance")).await;
        let reached: Vec<_> = world.default.received().drain(before..).map(|echo| echo.path).collect();
        if fate == Refused {
            assert_eq!((response.status, reached), (403, vec![from]), "{to}");
        } else {
            assert_eq!(reached.len(), 2, "{to}");
            let alias = (fate == Named).then_some("client");
            assert_eq!(response.echo().headers.get("x-client-alias"), alias, "{to}");
        }
    }
}

#[tokio::test]
async fn a_rule_that_comes_or_goes_reaches_open_connections() {
    let world = World::new();
    let client = world.authority.client("client");
    let with = |rules| ruled(&[("client", "unlimited", &client)], rules);
    let deny = json!({"match": {"hosts": ["localhost"], "path": "/admin/**"}, "access": "deny"});
    let (open, denied) = (with(json!([])), with(json!([deny])));
    let behind_another = with(json!([{"match": {"path": "/admin/x"}}, deny]));
    let mut envoy = Envoy::start(world.ecds_bootstrap(&open)).await;
    let mut connections = [
        world.caller(&client).connect(envoy.port()).await,
        world.caller(&client).connect(envoy.port()).await,
        world.caller(&client).http2().connect(envoy.port()).await,
    ];
    // The statuses of /admin/x, /admin/y and /x.
    let reloads = [
        (None, [200, 200, 200]),
        (Some(&denied), [403, 403, 200]),
        (Some(&behind_another), [200, 403, 200]),
        (Some(&open), [200, 200, 200]),
        (Some(&denied), [403, 403, 200]),
    ];
    for (place, (registry, expected)) in reloads.into_iter().enumerate() {
        if let Some(registry) = registry {
            assert_eq!(envoy.push(registry).await, Outcome::Live);
        }
        for connection in &mut connections {
            let mut statuses = Vec::new();
            for path in ["/admin/x", "/admin/y", "/x"] {
                statuses.push(connection.get(path).await.status);
            }
            assert_eq!(statuses, expected, "after reload {place}");
        }
    }
}
