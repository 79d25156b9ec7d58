//! certgate among other filters of Envoy's: the examples in `envoy/examples/`, as they are but for certificates and keys.

use crate::support::bootstrap::Bootstrap;
use crate::support::client::Connection;
use crate::support::envoy::Envoy;
use crate::support::envoys::{VERSIONS, repository};
use crate::support::pki::Identity;
use crate::support::request::{Request, Response};
use crate::support::world::World;
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use rcgen::{KeyPair, PKCS_ED25519, PublicKeyData, SigningKey};
use serde_json::{Value, json};
use std::fs;
use std::time::SystemTime;

const JWT_AUTHN: &str = "envoy.filters.http.jwt_authn";

/// The example, with these as its clients, in their order.
fn example(world: &World, file: &str, clients: &[&Identity]) -> Bootstrap {
    world.bootstrap(&json!({})).example(file).edit_plugin(|plugin| {
        let registered = plugin["configuration"]["value"]["clients"].as_array_mut().expect("clients");
        assert_eq!(registered.len(), clients.len());
        for (client, identity) in registered.iter_mut().zip(clients) {
            client["credentials"] = json!([{"sha256": identity.fingerprint()}]);
        }
    })
}

fn jwt_authn(manager: &mut Value) -> &mut Value {
    let filters = manager["http_filters"].as_array_mut().expect("filters");
    &mut filters.iter_mut().find(|filter| filter["name"] == JWT_AUTHN).expect("jwt_authn")["typed_config"]
}

/// Who issues tokens.
struct Issuer(KeyPair);

impl Issuer {
    fn new() -> Self {
        Self(KeyPair::generate_for(&PKCS_ED25519).expect("a new key"))
    }

    /// The Envoy that believes this one's tokens.
    fn believed(&self, bootstrap: Bootstrap) -> Bootstrap {
        let key = BASE64URL_NOPAD.encode(self.0.der_bytes());
        let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": key}]}).to_string();
        bootstrap.edit(|manager| {
            jwt_authn(manager)["providers"]["issuer"]["local_jwks"]["inline_string"] = json!(keys);
        })
    }

    /// A token for the hour to come with these claims.
    fn token(&self, claims: Value) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let mut payload = json!({"iss": "https://issuer.example.org", "aud": "api.example.com", "sub": "somebody", "exp": now + 3600});
        payload.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let [header, payload] =
            [json!({"alg": "EdDSA"}), payload].map(|part| BASE64URL_NOPAD.encode(part.to_string().as_bytes()));
        let signature = self.0.sign(format!("{header}.{payload}").as_bytes()).expect("a signature");
        format!("{header}.{payload}.{}", BASE64URL_NOPAD.encode(&signature))
    }
}

/// The same token with another payload or header, under the old signature.
fn tampered(token: &str, place: usize, part: Value) -> String {
    let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    parts[place] = BASE64URL_NOPAD.encode(part.to_string().as_bytes());
    parts.join(".")
}

fn with_token(path: &str, token: &str) -> Request {
    Request::get(path).header("authorization", &format!("Bearer {token}"))
}

/// The digest of the certificate as tokens have it.
fn thumbprint(identity: &Identity) -> String {
    BASE64URL_NOPAD.encode(&digest(identity))
}

fn digest(identity: &Identity) -> Vec<u8> {
    HEXLOWER.decode(identity.fingerprint().as_bytes()).expect("hexadecimal digits")
}

/// The claims of a token that is bound to this.
fn bound_to(thumbprint: impl Into<Value>) -> Value {
    json!({"cnf": {"x5t#S256": thumbprint.into()}})
}

/// Who answered, and what.
fn answer(response: &Response) -> (u16, &'static str) {
    let by = match (response.header("content-type"), response.header("www-authenticate")) {
        (Some("application/problem+json"), None) => "certgate",
        (Some("text/plain"), Some(_)) => "jwt_authn",
        (Some("text/plain"), None) if response.text() == "RBAC: access denied" => "rbac",
        (Some("application/json"), None) => "upstream",
        other => panic!("who is {other:?}? {response:?}"),
    };
    (response.status, by)
}

const PASSES: (u16, &str) = (200, "upstream");
const REFUSED: (u16, &str) = (403, "certgate");
const NO_TOKEN: (u16, &str) = (401, "jwt_authn");
const NOT_FOR_HERE: (u16, &str) = (403, "jwt_authn");
const DENIED: (u16, &str) = (403, "rbac");

#[test]
fn every_example_is_tested() {
    let folder = fs::read_dir(repository().join("envoy/examples")).expect("a folder");
    let mut files: Vec<_> = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    // The last two have no filters: their tests are in `deploy`.
    let (here, there) = files.split_at(3);
    assert_eq!(here, ["bound-token.yaml", "decide-on-filter-state.yaml", "fallback-jwt.yaml"]);
    assert_eq!(there, ["sidecar-spire.yaml", "tracing.yaml"]);
}

async fn open(world: &World, identity: Option<&Identity>, envoy: &Envoy) -> Connection {
    let caller = identity.map_or_else(|| world.anonymous(), |identity| world.caller(identity));
    caller.http2().connect(envoy.port()).await
}

#[tokio::test]
async fn a_token_is_worth_nothing_without_the_certificate_that_it_is_bound_to() {
    let world = World::new();
    let [one, two, stranger] = ["one", "two", "stranger"].map(|name| world.authority.client(name));
    let (issuer, another) = (Issuer::new(), Issuer::new());
    let right = thumbprint(&one);
    let good = issuer.token(bound_to(&*right));
    // Tokens of client one.
    let tokens = [
        (good.clone(), PASSES),
        (
            issuer.token(json!({"cnf": {"x5t#S256": right, "kid": "7", "jkt": "x"}, "aud": ["a", "api.example.com"]})),
            PASSES,
        ),
        (issuer.token(bound_to(thumbprint(&two))), REFUSED),
        (issuer.token(json!({})), REFUSED),
        (issuer.token(json!({"cnf": {}})), REFUSED),
        (issuer.token(json!({"cnf": {"x5t#s256": right, "x5t": right, "jkt": right}})), REFUSED),
        (issuer.token(json!({"cnf": right})), REFUSED),
        (issuer.token(json!({"cnf": [{"x5t#S256": right}]})), REFUSED),
        (issuer.token(json!({"x5t#S256": right, "cnf.x5t#S256": right})), REFUSED),
        (issuer.token(bound_to(json!([right]))), REFUSED),
        (issuer.token(bound_to(json!({"x5t#S256": right}))), REFUSED),
        (issuer.token(bound_to(7)), REFUSED),
        (issuer.token(bound_to(true)), REFUSED),
        // Envoy cannot hand it over.
        (issuer.token(bound_to(Value::Null)), REFUSED),
        (issuer.token(json!({"cnf": null})), REFUSED),
        (issuer.token(bound_to(json!([]))), REFUSED),
        (issuer.token(bound_to(json!({}))), REFUSED),
        (issuer.token(bound_to("")), REFUSED),
        (issuer.token(bound_to(one.fingerprint())), REFUSED),
        (issuer.token(bound_to(BASE64.encode(&digest(&one)))), REFUSED),
        (issuer.token(bound_to(format!("{right}="))), REFUSED),
        (issuer.token(bound_to(format!("{right}\0"))), REFUSED),
        (issuer.token(bound_to(format!(" {right}"))), REFUSED),
        (issuer.token(bound_to(right.to_lowercase())), REFUSED),
        (another.token(bound_to(&*right)), NO_TOKEN),
        (issuer.token(json!({"cnf": {"x5t#S256": right}, "exp": 1})), NO_TOKEN),
        (issuer.token(json!({"cnf": {"x5t#S256": right}, "iss": "https://evil.example.org"})), NO_TOKEN),
        (issuer.token(json!({"cnf": {"x5t#S256": right}, "aud": "www.example.com"})), NOT_FOR_HERE),
        (tampered(&good, 0, json!({"alg": "none"})), NO_TOKEN),
        (tampered(&issuer.token(bound_to(thumbprint(&two))), 1, bound_to(&*right)), NO_TOKEN),
        ("x".to_owned(), NO_TOKEN),
        (good.clone(), PASSES),
    ];
    for version in VERSIONS {
        let bootstrap = issuer.believed(example(&world, "bound-token.yaml", &[&one, &two])).version(version);
        let envoy = Envoy::start(bootstrap).await;
        let mut client = open(&world, Some(&one), &envoy).await;
        for (place, (token, expected)) in tokens.iter().enumerate() {
            let response = client.send(&with_token("/accounts/7", token)).await;
            assert_eq!(answer(&response), *expected, "token {place} on {version}");
        }
        assert_eq!(answer(&client.get("/accounts").await), NO_TOKEN, "{version}");
        assert_eq!(answer(&client.get("/elsewhere").await), PASSES, "{version}");
        for (who, token, expected) in [
            (Some(&two), &good, REFUSED),
            (Some(&two), &issuer.token(bound_to(thumbprint(&two))), PASSES),
            (Some(&stranger), &issuer.token(bound_to(thumbprint(&stranger))), REFUSED),
            (None, &good, REFUSED),
        ] {
            let response = open(&world, who, &envoy).await.send(&with_token("/accounts/7", token)).await;
            assert_eq!(answer(&response), expected, "{version}");
        }
    }
}

/// What an upstream would read that takes another token than jwt_authn did.
#[tokio::test]
async fn a_request_has_one_token() {
    let world = World::new();
    let [one, two] = ["one", "two"].map(|name| world.authority.client(name));
    let issuer = Issuer::new();
    let own = issuer.token(bound_to(thumbprint(&one)));
    let stolen = issuer.token(bound_to(thumbprint(&two)));
    let (two_tokens, in_query) = (format!("Bearer {own}, Bearer {stolen}"), format!("/accounts?access_token={stolen}"));
    // jwt_authn as it is by default, which reads the query too; and as the example has it.
    for (from_query, query_alone) in [(true, REFUSED), (false, NO_TOKEN)] {
        let bootstrap = issuer.believed(example(&world, "bound-token.yaml", &[&one, &two])).edit(|manager| {
            let provider = &mut jwt_authn(manager)["providers"]["issuer"];
            provider["forward"] = json!(true);
            if from_query {
                provider.as_object_mut().expect("a provider").remove("from_headers").expect("the example's choice");
            }
        });
        let envoy = Envoy::start(bootstrap).await;
        let mut client = open(&world, Some(&one), &envoy).await;
        for (request, expected) in [
            (with_token("/accounts", &own), PASSES),
            (with_token("/accounts?a=access_token", &own), PASSES),
            (with_token(&in_query, &own), REFUSED),
            (with_token(&in_query.replace('_', "%5F"), &own), REFUSED),
            (with_token("/accounts", &own).header("authorization", &format!("Bearer {stolen}")), REFUSED),
            (Request::get("/accounts").header("authorization", &two_tokens), REFUSED),
            (Request::get("/accounts").header("authorization", &format!("Bearer {own};{stolen}")), REFUSED),
            (Request::get("/accounts").header("authorization", &format!("Bearer {own}\t{stolen}")), REFUSED),
            (with_token(&in_query.replace("access", "%20access"), &own), REFUSED),
            (with_token(&in_query.replace("access_token", "[access_token]"), &own), REFUSED),
            (with_token(&in_query.replace("access_token", "access_token%00x"), &own), REFUSED),
            (with_token(&in_query.replace("access_token", "access_token_type"), &own), PASSES),
            (Request::get(&format!("/accounts?access_token={own}")), query_alone),
        ] {
            let answer = answer(&client.send(&request).await);
            // Of several, jwt_authn may refuse one.
            let fits = answer == expected || expected == REFUSED && answer.0 == 401;
            assert!(fits, "{answer:?} for {request:?}, from the query: {from_query}");
        }
    }
}

#[tokio::test]
async fn a_token_that_nobody_has_verified_is_not_read() {
    let world = World::new();
    let [one, two] = ["one", "two"].map(|name| world.authority.client(name));
    let (issuer, another) = (Issuer::new(), Issuer::new());
    let good = issuer.token(bound_to(thumbprint(&one)));
    let forged = another.token(bound_to(thumbprint(&one)));
    let start = |requires: Option<Value>| {
        let bootstrap = issuer.believed(example(&world, "bound-token.yaml", &[&one, &two]));
        Envoy::start(bootstrap.edit(|manager| match requires {
            Some(requires) => jwt_authn(manager)["rules"][0]["requires"] = requires,
            None => jwt_authn(manager)["rules"] = json!([]),
        }))
    };
    let lenient =
        json!({"requires_any": {"requirements": [{"provider_name": "issuer"}, {"allow_missing_or_failed": {}}]}});
    for (requires, with_good) in [(None, REFUSED), (Some(lenient), PASSES)] {
        let envoy = start(requires.clone()).await;
        let mut client = open(&world, Some(&one), &envoy).await;
        assert_eq!(answer(&client.send(&with_token("/accounts", &good)).await), with_good, "{requires:?}");
        for request in [with_token("/accounts", &forged), Request::get("/accounts")] {
            assert_eq!(answer(&client.send(&request).await), REFUSED, "{requires:?}");
        }
    }
}

#[tokio::test]
async fn who_has_no_certificate_may_have_a_token() {
    let world = World::new();
    let [client, stranger] = ["client", "stranger"].map(|name| world.authority.client(name));
    let (issuer, another) = (Issuer::new(), Issuer::new());
    let (good, bad) = (issuer.token(json!({})), another.token(json!({})));
    let (plain, forged) = (Request::get("/"), Request::get("/").header("x-client-alias", "partner-a"));
    let (tokened, ill) = (with_token("/", &good), with_token("/", &bad));
    // Whoever sends it, what it is, and what becomes of it with certgate, and if Envoy were to skip it.
    let table = [
        (Some(&client), &plain, PASSES, NO_TOKEN),
        (Some(&client), &forged, PASSES, NO_TOKEN),
        (Some(&client), &tokened, PASSES, PASSES),
        (Some(&client), &ill, PASSES, NO_TOKEN),
        (Some(&stranger), &plain, REFUSED, NO_TOKEN),
        (Some(&stranger), &tokened, REFUSED, PASSES),
        (None, &plain, NO_TOKEN, NO_TOKEN),
        (None, &forged, NO_TOKEN, NO_TOKEN),
        (None, &tokened, PASSES, PASSES),
        (None, &ill, NO_TOKEN, NO_TOKEN),
    ];
    for version in VERSIONS {
        let bootstrap = || issuer.believed(example(&world, "fallback-jwt.yaml", &[&client])).version(version);
        let whole = Envoy::start(bootstrap()).await;
        let without = Envoy::start(bootstrap().without_certgate()).await;
        for (place, (who, request, expected, skipped)) in table.iter().enumerate() {
            let request = (*request).clone().header("x-token-subject", "forged");
            let response = open(&world, *who, &whole).await.send(&request).await;
            assert_eq!(answer(&response), *expected, "request {place} on {version}");
            if response.status == 200 {
                let upstream = response.echo().headers;
                assert_eq!(upstream.get("x-client-alias"), who.is_some().then_some("partner-a"), "request {place}");
                let subject = who.is_none().then_some("somebody");
                assert_eq!(upstream.get("x-token-subject"), subject, "request {place} on {version}");
            }
            // The example's guard is jwt_authn.
            let response = open(&world, *who, &without).await.send(&request).await;
            assert_eq!(answer(&response), *skipped, "request {place} on {version} without certgate");
        }
    }
}

#[tokio::test]
async fn a_filter_behind_certgate_decides_on_what_it_found_out() {
    let world = World::new();
    let clients = ["a", "b", "c"].map(|name| world.authority.client(name));
    // For each path, what becomes of each client's requests.
    let table = [
        ("/ledger/2026", [PASSES, PASSES, DENIED]),
        ("/bulk", [PASSES, DENIED, PASSES]),
        ("/public/x", [PASSES; 3]),
        ("/elsewhere", [DENIED; 3]),
    ];
    let forged = |path| {
        let request = Request::get(path).header("x-client-groups", "finance").header("x-client-tier", "gold");
        request.header("wasm.certgate.groups", "finance")
    };
    for version in VERSIONS {
        let bootstrap = || example(&world, "decide-on-filter-state.yaml", &clients.each_ref()).version(version);
        let whole = Envoy::start(bootstrap()).await;
        let without = Envoy::start(bootstrap().without_certgate()).await;
        for (path, expected) in table {
            for (client, expected) in clients.iter().zip(expected) {
                let response = open(&world, Some(client), &whole).await.send(&forged(path)).await;
                assert_eq!(answer(&response), expected, "{path} on {version}");
                let response = open(&world, Some(client), &without).await.send(&forged(path)).await;
                assert_eq!(answer(&response), DENIED, "{path} on {version} without certgate");
            }
            assert_eq!(answer(&open(&world, None, &whole).await.send(&forged(path)).await), REFUSED, "{path}");
        }
    }
}

/// Nothing is there for callers without a client.
#[tokio::test]
async fn who_passes_without_a_client_has_no_filter_state() {
    let world = World::new();
    let clients = ["a", "b", "c"].map(|name| world.authority.client(name));
    for access in ["optional", "public"] {
        let bootstrap = example(&world, "decide-on-filter-state.yaml", &clients.each_ref());
        let envoy = Envoy::start(bootstrap.edit_plugin(|plugin| {
            plugin["configuration"]["value"]["rules"] = json!([{"access": access}]);
        }))
        .await;
        for path in ["/ledger/2026", "/bulk", "/public/x"] {
            assert_eq!(answer(&open(&world, None, &envoy).await.get(path).await), DENIED, "{access}");
        }
    }
}
