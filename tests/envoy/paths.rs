//! Paths and hosts that servers read in different ways, sent byte by byte, and what reaches the upstream of them; and
//! requests for another host than the one their connection was made for.

use crate::support::bootstrap::Bootstrap;
use crate::support::client::Caller;
use crate::support::envoy::Envoy;
use crate::support::fields::{bytes, latin1};
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::world::World;
use percent_encoding::percent_decode;
use serde_json::{Value, json};

/// The path as it was sent.
const SAME: &str = "=";

/// What becomes of a request for each of these targets by somebody who may everything, if Envoy normalises paths as
/// shipped, and if it leaves them as they are: the path that reaches the upstream, or the status of who refuses it, which
/// is certgate if it is 403.
#[rustfmt::skip]
const TARGETS: [(&str, &str, &[&str]); 18] = [
    (SAME, SAME, &[
        "/", "/public", "/public?/admin", "/public/x?a=/../admin", "/public/admin", "/administrator",
        "/Admin", "/ADMIN/x", "/admin", "/admin/", "/admin/x", "/admin?x", "/admin/?x=/../y", "/admin/%20x", "/admin/joe%40example.com",
    ]),
    ("/admin", "403", &["/%61dmin"]),
    ("/admin/x", "403", &["/%61%64min/x"]),
    ("/Admin", SAME, &["/%41dmin"]),
    ("/admin", "403", &[
        "//admin", "/./admin", "/../admin", "/public/../admin", "/%2e/admin", "/%2E%2e/admin", "/public/%2e%2e/admin",
        "/public/.%2e/admin", "/public/%2e./admin", "/public/..;/admin", "/public/..;v=1/admin", "/\\admin",
        "/public\\..\\admin", "/public/..\\admin", "https://localhost//admin", "https://localhost/public/../admin",
    ]),
    ("/admin/x", "403", &["///admin//x", "/a/b/../../admin/x", "/admin\\x"]),
    ("/admin/", "403", &["/admin/."]),
    ("/public/admin", "403", &["/public//admin"]),
    ("/public", "403", &["/admin/../public"]),
    ("/public/x", "403", &["/public/./x"]),
    ("/", "403", &["/admin/..", "/public/.."]),
    ("400", "403", &[
        "/%2fadmin", "/public%2f..%2fadmin", "/public/..%2fadmin", "/admin%2fx", "/admin%2Fx", "/public%2F", "/%5cadmin",
        "/public/..%5cadmin", "/admin%5Cx", "/admin%00", "/admin%00/x", "/%00admin", "/public%00",
    ]),
    ("403", "403", &[
        "/admin;v=1", "/admin;v=1/x", "/;/admin", "/;v=1/admin", "/admin%3bv=1", "/public;v=1", "/admin%0a", "/admin%7f",
        "/%2561dmin", "/%252e%252e/admin", "/public/%252e%252e/admin", "/public%252fadmin", "/%25%36%31dmin",
        "/public/%252e/x", "/public/%c0%ae%c0%ae/admin", "/public/..%c0%afadmin", "/%e0%80%afadmin", "/admin%c0%af",
        "/%c1%a1dmin", "/admin/%ff", "/%zzadmin", "/%admin", "/admin%", "/%u0061dmin", "/public/%",
        "/admin%3f", "/admin%3fx", "/admin%23", "/admin%23x", "/admin%20", "/admin/%20", "/admin%20/x", "/admin.", "/admin./x",
        "/admin..", "/admin%20.", "/admin::$DATA", "/admin:$I30:$INDEX_ALLOCATION/x", "/admin:%3a%24DATA", "/%ef%bc%8fadmin",
        "/public%EF%BC%8F..%EF%BC%8Fadmin", "/public/%ef%bc%8e%ef%bc%8e/admin", "/%e2%88%95admin", "/admin%e2%81%84x", "/admin%c2%85",
        "/public%c2%a5..%c2%a5admin", "/admin%ef%bc%9bv=1", "/admin%ef%bc%9f", "/admin%ef%bc%83", "/admin%c2%a0", "/admin%e3%80%80/x",
        "/admin%e2%80%a6", "/public/%ef%bc%852e%ef%bc%852e/admin", "/public%e2%88%96..%e2%88%96admin",
    ]),
    ("400", "400", &[
        "\\admin", "/admin#x", "/#/admin", "/public#/../admin", "/admin\0", "/\u{ff}admin", "admin", "*", "?", "",
        "localhost:443", "localhost/admin", "/admin /x", "/public HTTP/1.1 /admin", "ftp://localhost/admin",
    ]),
    ("/admin", "/admin", &[
        "http://localhost/admin", "https://localhost/admin", "https://other/admin", "https://user@localhost/admin",
        "/admin\t",
    ]),
    ("/admin/x", "/admin/x", &["HTTPS://LOCALHOST/admin/x"]),
    ("/public", "/public", &["https://localhost/public"]),
    ("/", "/", &["https://localhost"]),
];

/// Every target, with what becomes of it in each Envoy.
fn targets() -> impl Iterator<Item = (&'static str, [&'static str; 2])> {
    TARGETS.into_iter().flat_map(|(shipped, bare, targets)| {
        targets
            .iter()
            .map(move |target| (*target, [shipped, bare].map(|fate| if fate == SAME { target } else { fate })))
    })
}

/// Whether some server takes the path for one under `/admin`: one that reads escapes, also in escapes and overlong ones,
/// takes `\` and what is like it or `/` for `/`, cuts off parameters and what is behind a NUL, `?` or `#`, skips empty segments
/// and resolves dots, and opens files as Windows does.
fn is_admins(path: &str) -> bool {
    let mut text = path.split(['?', '#']).next().unwrap().replace("%u00", "%");
    for _ in 0..3 {
        text = latin1(&percent_decode(&bytes(&text)).collect::<Vec<_>>());
    }
    let readings = [
        ("\u{c0}\u{af}", "/"),
        ("\u{e0}\u{80}\u{af}", "/"),
        ("\u{c0}\u{ae}", "."),
        ("\u{c1}\u{a1}", "a"),
        ("\\", "/"),
        ("\u{ef}\u{bc}\u{8f}", "/"),
        ("\u{e2}\u{88}\u{95}", "/"),
        ("\u{e2}\u{81}\u{84}", "/"),
        ("\u{ef}\u{bc}\u{8e}", "."),
    ];
    text = readings.iter().fold(text, |text, (from, to)| text.replace(from, to));
    let text = text.split(['\0', '?', '#']).next().unwrap();
    let mut segments = Vec::new();
    for segment in text.split('/').map(|segment| segment.split(';').next().unwrap()) {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => {
                segments.push(segment.split(":$").next().unwrap().trim_end_matches([':', '.', ' ', '\u{85}', '\u{c2}']))
            }
        }
    }
    segments.first() == Some(&"admin")
}

/// Envoy as shipped, and one that does nothing to paths.
async fn envoys(world: &World, registry: &Value) -> [Envoy; 2] {
    let bare = |manager: &mut Value| {
        manager["normalize_path"] = json!(false);
        manager["merge_slashes"] = json!(false);
        manager["path_with_escaped_slashes_action"] = json!("KEEP_UNCHANGED");
    };
    let start = |bootstrap: Bootstrap| Envoy::start(bootstrap.concurrency(1));
    [start(world.bootstrap(registry)).await, start(world.bootstrap(registry).edit(bare)).await]
}

/// A client of the group `admins`, and one that is in no group.
fn clients(world: &World) -> ([Identity; 2], Value) {
    let identities = ["admin", "outsider"].map(|name| world.authority.client(name));
    let [admin, outsider] = &identities;
    let mut registry = registry::of(&[("admin", "unlimited", admin), ("outsider", "unlimited", outsider)]);
    registry["clients"][0]["groups"] = json!(["admins"]);
    (identities, registry)
}

/// What becomes of a request with this head: the path and the authority that reach the upstream, or the status.
async fn fate(world: &World, caller: &Caller, envoy: &Envoy, head: &str) -> Result<(String, String), u16> {
    let before = world.forwarded();
    let response = caller.raw(envoy.port()).await.exchange(bytes(&format!("{head}\r\n\r\n"))).await;
    let passed = response.status == 200;
    assert_eq!(world.forwarded() - before, usize::from(passed), "{head:?}");
    if !passed {
        return Err(response.status);
    }
    let echo = response.echo();
    Ok((echo.path, echo.authority))
}

async fn path(world: &World, caller: &Caller, envoy: &Envoy, target: &str) -> String {
    let head = format!("GET {target} HTTP/1.1\r\nhost: localhost");
    fate(world, caller, envoy, &head).await.map_or_else(|status| status.to_string(), |(path, _)| path)
}

/// The same as who may everything gets, but for what is the admins'.
fn without_right(fate: &str) -> &str {
    if is_admins(fate) { "403" } else { fate }
}

#[tokio::test]
async fn no_spelling_of_a_path_gets_round_its_rule() {
    let world = World::new();
    let ([admin, outsider], mut registry) = clients(&world);
    let [admin, outsider] = [admin, outsider].map(|identity| world.caller(&identity));
    let rules = [json!({"groups": ["admins"]}), json!({"access": "deny"}), json!({"scopes": ["admin"]})];
    for mut rule in rules {
        rule["match"] = json!({"path": "/admin/**"});
        registry["rules"] = json!([rule]);
        let may = rule["groups"].is_array();
        let envoys = envoys(&world, &registry).await;
        for (target, fates) in targets() {
            for (envoy, expected) in envoys.iter().zip(fates) {
                let fate = path(&world, &outsider, envoy, target).await;
                assert_eq!(fate, without_right(expected), "{target:?} under {rule}");
                let fate = path(&world, &admin, envoy, target).await;
                assert_eq!(fate, if may { expected } else { without_right(expected) }, "{target:?} under {rule}");
            }
        }
        // Whatever is expected above: the law.
        let received = world.default.received();
        let of_admins: Vec<_> = received.iter().filter(|echo| is_admins(&echo.path)).collect();
        assert!(!of_admins.is_empty(), "there is nothing to see the law in");
        assert!(of_admins.iter().all(|echo| echo.headers.get("x-client-alias") == Some("admin")), "{of_admins:?}");
    }
}

/// hyper sends no other targets than these.
fn can_be_sent_over_http2(target: &str) -> bool {
    let uri = format!("https://localhost{target}").parse::<hyper::Uri>();
    let same = uri.is_ok_and(|uri| uri.path_and_query().is_some_and(|path| path.as_str() == target));
    same && target.starts_with('/') && target.is_ascii()
}

#[tokio::test]
async fn paths_over_http2_are_read_the_same() {
    let world = World::new();
    let ([_, outsider], mut registry) = clients(&world);
    registry["rules"] = json!([{"match": {"path": "/admin/**"}, "groups": ["admins"]}]);
    let envoys = envoys(&world, &registry).await;
    for (place, envoy) in envoys.iter().enumerate() {
        let mut connection = world.caller(&outsider).http2().connect(envoy.port()).await;
        let (mut sent, mut expected) = (0, Vec::new());
        let before = world.forwarded();
        for (target, fates) in targets().filter(|(target, _)| can_be_sent_over_http2(target)) {
            let fate = without_right(fates[place]);
            let response = connection.get(target).await;
            assert_eq!(response.status, fate.parse().unwrap_or(200), "{target:?}");
            expected.extend((response.status == 200).then_some(fate));
            sent += 1;
        }
        assert!(sent > 70, "{sent}");
        let received: Vec<_> = world.default.received().drain(before..).map(|echo| echo.path).collect();
        assert_eq!(received, expected);
    }
}

/// A rule without a path asks for none, and then none is refused for how it is written.
#[tokio::test]
async fn where_no_rule_asks_for_a_path_every_path_is_the_upstreams_affair() {
    let world = World::new();
    let ([admin, _], mut registry) = clients(&world);
    registry["rules"] = json!([{"match": {"hosts": ["localhost"]}, "groups": ["admins"]}]);
    let [_, bare] = envoys(&world, &registry).await;
    for target in ["//admin", "/public/../admin", "/admin;v=1", "/%2e%2e/%2f%5c", "/%252e", "/%c0%af", "/%zz"] {
        assert_eq!(path(&world, &world.caller(&admin), &bare, target).await, target);
    }
}

/// What becomes of requests with these lines if all of `admin.example.org` and `[::1]` is denied: the authority that
/// reaches the upstream, or the status.
#[rustfmt::skip]
const HOSTS: [(Result<&str, u16>, &[&str]); 8] = [
    (Err(403), &[
        "/ HTTP/1.1\r\nhost: admin.example.org",
        "/ HTTP/1.1\r\nHost:ADMIN.example.ORG",
        "/ HTTP/1.1\r\nhost: \t admin.example.org \t",
        "/ HTTP/1.1\r\nhost: admin.example.org:8443",
        "/ HTTP/1.1\r\nhost: admin.example.org:",
        "/ HTTP/1.1\r\nhost: admin.example.org.",
        "/ HTTP/1.1\r\nhost: Admin.Example.Org.:443",
        "/ HTTP/1.1\r\nhost: [::1]",
        "/ HTTP/1.1\r\nhost: [0:0::1]:443",
        "https://admin.example.org/ HTTP/1.1\r\nhost: localhost",
        "https://ADMIN.example.org:443/ HTTP/1.1\r\nhost: localhost",
        "https://admin.example.org HTTP/1.1",
        // Nobody can say which host these are for; Envoy would look up the first ones in its own way.
        "/ HTTP/1.1\r\nhost: localhost:",
        "/ HTTP/1.1\r\nhost: localhost.:",
        "/ HTTP/1.1\r\nhost: [0:0::2]",
        "/ HTTP/1.1\r\nhost: [::ffff:a00:1]",
        "/ HTTP/1.1\r\nhost:",
        "/ HTTP/1.1\r\nhost: admin.example.org..",
        "/ HTTP/1.1\r\nhost: user@admin.example.org",
        "/ HTTP/1.1\r\nhost: u:p@admin.example.org:443",
        "/ HTTP/1.1\r\nhost: admin.example.org@localhost",
        "/ HTTP/1.1\r\nhost: user@localhost",
        "https://user@admin.example.org/ HTTP/1.1\r\nhost: localhost",
        "/ HTTP/1.1\r\nhost: admin.example.org:99999",
        "/ HTTP/1.1\r\nhost: admin.example.org:x",
        "/ HTTP/1.1\r\nhost: %61dmin.example.org",
        "/ HTTP/1.1\r\nhost: admin.example.org,localhost",
        "/ HTTP/1.1\r\nhost: localhost\r\nhost: admin.example.org",
        "/ HTTP/1.1\r\nhost: ::1",
        "/ HTTP/1.1\r\nhost: [::1",
        "/ HTTP/1.1\r\nhost: [::1%25lo]",
    ]),
    (Err(400), &[
        "/ HTTP/1.1\r\nx: y",
        "/ HTTP/1.1\r\nhost: admin.example.org/",
        "/ HTTP/1.1\r\nhost: admin.example.org\\x",
        "/ HTTP/1.1\r\nhost: admin.example.org\u{ff}",
    ]),
    (Err(426), &["/ HTTP/1.0", "/ HTTP/1.0\r\nhost: localhost"]),
    (Ok("localhost"), &[
        "/ HTTP/1.1\r\nhost: localhost",
        "/ HTTP/1.1\r\nhost: localhost.",
        "/ HTTP/1.1\r\nhost: localhost\r\nx-forwarded-host: admin.example.org",
        "https://localhost/ HTTP/1.1\r\nhost: admin.example.org",
    ]),
    (Ok("www.admin.example.org"), &["/ HTTP/1.1\r\nhost: www.admin.example.org"]),
    (Ok("[::2]:1"), &["/ HTTP/1.1\r\nhost: [::2]:1"]),
    (Ok("localhost:8443"), &["/ HTTP/1.1\r\nhost: localhost:8443", "/ HTTP/1.1\r\nhost: localhost.:8443"]),
    (Ok("example.org"), &["/ HTTP/1.1\r\nhost: example.org"]),
];

#[tokio::test]
async fn no_spelling_of_a_host_gets_round_its_rule() {
    let world = World::new();
    let ([admin, _], mut registry) = clients(&world);
    registry["rules"] = json!([{"match": {"hosts": ["admin.example.org", "[::1]"]}, "access": "deny"}]);
    let caller = world.caller(&admin);
    let envoy = Envoy::start(world.bootstrap(&registry)).await;
    for (expected, head) in HOSTS.iter().flat_map(|(fate, heads)| heads.iter().map(move |head| (*fate, head))) {
        let fate = fate(&world, &caller, &envoy, &format!("GET {head}")).await.map(|(_, authority)| authority);
        assert_eq!(fate, expected.map(str::to_owned), "{head:?}");
    }
    let mut connection = caller.clone().http2().connect(envoy.port()).await;
    for authority in ["ADMIN.example.org", "admin.example.org.:443", "admin.example.org:", "[0:0::1]"] {
        assert_eq!(connection.send(&Request::get("/").authority(authority)).await.status, 403, "{authority}");
    }
    let claim = Request::get("/").header("host", "admin.example.org");
    assert_eq!(connection.send(&claim).await.echo().authority, "localhost", "what decides is what arrives");
    let user = Request::get("/").authority("user@localhost");
    assert!(connection.try_send(&user).await.is_err(), "Envoy ends the connection");
    // Without a host there is HTTP/1.0 alone, where Envoy accepts it.
    for (default, fates) in [(None, [Err(400), Err(403)]), (Some("admin.example.org"), [Err(403), Err(403)])] {
        let options = json!({"accept_http_10": true, "default_host_for_http_10": default});
        let bootstrap = world.bootstrap(&registry).edit(|manager| manager["http_protocol_options"] = options);
        let envoy = Envoy::start(bootstrap).await;
        for (head, expected) in ["GET / HTTP/1.0", "GET / HTTP/1.0\r\nhost: ADMIN.example.org:"].iter().zip(fates) {
            assert_eq!(fate(&world, &caller, &envoy, head).await, expected, "{head:?} with {default:?}");
        }
    }
}

/// Of one connection: the host that it was made for, if it names any, and then the authorities of requests.
#[tokio::test]
async fn a_request_for_another_host_than_its_connections_is_misdirected() {
    const API: &str = "api.example.com";
    #[rustfmt::skip]
    let table: [(&str, &[(&str, u16)]); 4] = [
        (API, &[
            (API, 200), ("API.Example.com", 200), ("api.example.com:443", 200),
            // It is for this host, and yet no host that a rule may name.
            ("api.example.com:", 403),
            ("api.example.com.", 200), ("shop.example.com", 421), ("xapi.example.com", 421), ("example.com", 421),
            ("localhost", 421), ("127.0.0.1", 421), ("[::1]", 421), (API, 200),
        ]),
        ("a.example.org", &[("a.example.org", 200), ("b.example.org", 421), ("example.org", 421), ("A.example.org.", 200)]),
        ("SHOP.example.com", &[("shop.example.com", 200), (API, 421)]),
        // An address is no name for a connection.
        ("127.0.0.1", &[(API, 200), ("127.0.0.1", 200), ("localhost", 200)]),
    ];
    let world = World::new();
    let ([admin, _], mut registry) = clients(&world);
    registry["misdirected"] = json!(421);
    registry["rules"] = json!([{"match": {"hosts": ["localhost"], "path": "/open"}, "access": "public"}]);
    let envoy = Envoy::start(world.bootstrap(&registry).tls_inspector()).await;
    let mut misdirected = 0;
    for (server_name, requests) in table {
        let caller = world.caller(&admin).server_name(server_name);
        for caller in [caller.clone(), caller.http2()] {
            let mut connection = caller.connect(envoy.port()).await;
            for (authority, status) in requests {
                let before = world.forwarded();
                let response = connection.send(&Request::get("/").authority(authority)).await;
                assert_eq!(response.status, *status, "{authority} on a connection for {server_name}");
                assert_eq!(world.forwarded() - before, usize::from(*status == 200));
                if *status == 421 {
                    misdirected += 1;
                    let problem = r#"{"type":"about:blank","title":"Misdirected Request","status":421}"#;
                    assert_eq!(response.text(), problem);
                    assert_eq!(response.header("content-type"), Some("application/problem+json"));
                }
            }
        }
    }
    let count = envoy.admin.metric("certgate_requests_total", &[("reason", "misdirected")]).await;
    assert_eq!(count, f64::from(misdirected));

    let api = world.anonymous().server_name(API);
    let open = Request::get("/open").authority("localhost");
    assert_eq!(api.send(envoy.port(), &open).await.status, 421, "public or not");
    let mut raw = api.raw(envoy.port()).await;
    assert_eq!(raw.exchange("GET / HTTP/1.1\r\nhost: u@api.example.com\r\n\r\n").await.status, 421, "ambiguous");
    let call =
        Request::post("/shop.Cart/Get", "").authority("shop.example.com").header("content-type", "application/grpc");
    let response = world.caller(&admin).server_name(API).http2().send(envoy.port(), &call).await;
    let status = response.header("grpc-status").or(response.trailers.get("grpc-status"));
    assert_eq!((response.status, status), (200, Some("14")), "{response:?}");
}

/// Envoy tells nobody what it has not looked for.
#[tokio::test]
async fn without_a_tls_inspector_no_request_is_misdirected() {
    let world = World::new();
    let ([admin, _], mut registry) = clients(&world);
    registry["misdirected"] = json!(421);
    let no_inspector = |document: &mut Value| {
        document["static_resources"]["listeners"][0].as_object_mut().unwrap().remove("listener_filters");
    };
    let envoy = Envoy::start(world.bootstrap(&registry).edit_document(no_inspector)).await;
    let caller = world.caller(&admin).server_name("api.example.com");
    assert_eq!(caller.send(envoy.port(), &Request::get("/").authority("shop.example.com")).await.status, 200);
}

#[tokio::test]
async fn otherwise_the_rules_of_the_requests_own_host_are_enforced() {
    let world = World::new();
    let ([admin, outsider], mut registry) = clients(&world);
    registry["rules"] = json!([{"match": {"hosts": ["shop.example.com"]}, "groups": ["admins"]}]);
    let envoy = Envoy::start(world.bootstrap(&registry)).await;
    for (identity, expected) in [(&outsider, [200, 403, 200]), (&admin, [200; 3])] {
        let caller = world.caller(identity).server_name("api.example.com");
        for caller in [caller.clone(), caller.http2()] {
            let mut connection = caller.connect(envoy.port()).await;
            for (authority, status) in ["api.example.com", "shop.example.com", "api.example.com"].iter().zip(expected) {
                let response = connection.send(&Request::get("/").authority(authority)).await;
                assert_eq!(response.status, status, "{authority}");
            }
        }
    }
    let claim = Request::get("/").authority("shop.example.com").header("x-forwarded-host", "api.example.com");
    assert_eq!(world.caller(&outsider).send(envoy.port(), &claim).await.status, 403, "whatever a header says of it");
}
