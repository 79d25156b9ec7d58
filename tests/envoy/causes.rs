//! The table of causes on the compiled module, in a real Envoy: each refusal has its cause in the log and, with
//! `filter_state: always`, in the access log.

use crate::support::bootstrap::{Bootstrap, Clients};
use crate::support::causes::{self, CART, Cast, Certificate, Host, Refused, Who, odd};
use crate::support::client::Caller;
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::mutant::{Mutant, Status};
use crate::support::pki::{Identity, Leaf};
use crate::support::request::Request;
use crate::support::world::World;
use rcgen::KeyPair;
use serde_json::{Value, json};

const DIGEST: &str = "connection\0sha256_peer_certificate_digest";
const CERTIFICATE: &str = "connection\0peer_certificate";
const VERIFIED: &str = "connection\0peer_certificate_valid";

/// A world with everybody's certificates.
struct Everybody {
    world: World,
    all: Vec<(Who, Identity)>,
}

impl Everybody {
    fn new() -> Self {
        let world = World::new();
        let leaf = |who| match who {
            Who::Named => Leaf::client("named").uri(CART),
            Who::Expired => Leaf::client("expired").valid(-7200..=-3600),
            Who::Early => Leaf::client("early").valid(3600..=7200),
            other => Leaf::client(&format!("{other:?}")),
        };
        let everybody = [Who::Client, Who::Named, Who::Expired, Who::Early, Who::Relay, Who::Stranger];
        let mut all: Vec<_> = everybody.map(|who| (who, world.authority.issue(&leaf(who)))).into();
        let key = KeyPair::generate().unwrap();
        all.push((Who::Odd, Identity::of(odd(&key), &key)));
        Self { world, all }
    }

    fn of(&self, who: Who) -> &Identity {
        &self.all.iter().find(|(other, _)| *other == who).expect("everybody but nobody").1
    }

    fn caller(&self, refused: &Refused) -> Caller {
        let caller = match refused.who {
            Who::Nobody => self.world.anonymous(),
            who => self.world.caller(self.of(who)),
        };
        match refused.host {
            Host::ServerName(name) => caller.server_name(name),
            _ => caller,
        }
    }

    /// The Envoy whose certgate is in this state.
    fn bootstrap(&self, refused: &Refused) -> Bootstrap {
        let bootstrap = match &refused.former {
            Some(former) => self.world.ecds_bootstrap(former),
            None => self.world.bootstrap(&always(refused)),
        };
        let bootstrap = bootstrap.without_guard().concurrency(1).edit(log_causes);
        // An untrusted certificate is shown as such, and one of the authority as verified.
        let clients = if refused.who == Who::Odd { Clients::AcceptUntrusted } else { Clients::AnyDate };
        let bootstrap = bootstrap.clients(clients).edit(|manager| {
            manager["forward_client_cert_details"] = json!("FORWARD_ONLY");
        });
        let hidden = || Mutant::new().property_ends_with(CERTIFICATE, Status::NotFound);
        match &refused.host {
            Host::Usual => bootstrap,
            Host::Unverified => broken(bootstrap, Mutant::new().property_ends_with(VERIFIED, Status::NotFound)),
            Host::Hidden => broken(bootstrap, hidden()),
            Host::Differs => {
                broken(bootstrap, hidden()).certificate_text_in_filter_state(&self.of(Who::Stranger).certificate_pem)
            }
            Host::Malformed => broken(bootstrap, hidden().property_ends_with(DIGEST, Status::NotFound))
                .certificate_text_in_filter_state("no certificate"),
            Host::ServerName(_) => bootstrap.tls_inspector(),
            Host::Token(thumbprint) => bootstrap.verified_token(&json!({"cnf": {"x5t#S256": thumbprint}})),
            Host::StoreFails => broken(bootstrap, Mutant::new().buckets_read_ends_with(Status::InternalFailure)),
            Host::StoreContended => broken(bootstrap, Mutant::new().buckets_store_ends_with(Status::CasMismatch)),
            Host::PropertyFails => broken(bootstrap, Mutant::new().property_ends_with(DIGEST, Status::InternalFailure)),
            Host::NoConfiguration => {
                broken(bootstrap, Mutant::new().call_ends_with("proxy_get_buffer_bytes", Status::InternalFailure))
            }
        }
    }
}

impl Cast for Everybody {
    fn certificate(&self, who: Who) -> Certificate {
        let identity = self.of(who);
        Certificate {
            fingerprint: identity.fingerprint(),
            spki_sha256: identity.spki_sha256(),
            pem: identity.certificate_pem.clone(),
        }
    }

    fn crl(&self, revoked: Option<Who>, next_update: i64) -> String {
        let revoked: Vec<_> = revoked.into_iter().map(|who| self.of(who)).collect();
        self.world.authority.crl(&revoked, next_update)
    }
}

fn always(refused: &Refused) -> Value {
    let mut registry = refused.configuration.clone();
    registry["filter_state"] = json!("always");
    registry
}

/// The module with this fault.
fn broken(bootstrap: Bootstrap, mutant: Mutant) -> Bootstrap {
    bootstrap.module(&mutant.write())
}

/// Writes the cause and the limits of filter state to the access log.
fn log_causes(manager: &mut Value) {
    for logger in manager["access_log"].as_array_mut().expect("access loggers") {
        let format = &mut logger["typed_config"]["log_format"]["json_format"];
        for field in ["certgate.cause", "certgate.limits"] {
            format[field] = json!(format!("%FILTER_STATE(wasm.{field}:PLAIN)%"));
        }
    }
}

/// The line about a refused request in Envoy's own log.
fn line(log: &str) -> Value {
    let line = log.lines().find(|line| line.contains("certgate.reason")).unwrap_or_else(|| panic!("no line:\n{log}"));
    let (_, object) = line.split_once(": {").expect("an object behind Envoy's own words");
    serde_json::from_str(&format!("{{{object}")).expect("one JSON object")
}

async fn is_refused(everybody: &Everybody, refused: &Refused) {
    let mut envoy = Envoy::start(everybody.bootstrap(refused)).await;
    if refused.former.is_some() {
        assert_eq!(envoy.push(&always(refused)).await, Outcome::Live, "{refused:#?}");
    }
    let caller = everybody.caller(refused);
    let request = Request::get(refused.path).authority(refused.authority);
    let request = refused.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    let mut connection = caller.connect(envoy.port()).await;
    for _ in 0..refused.before {
        assert_eq!(connection.send(&request).await.status, 200, "{refused:#?}");
    }
    let response = connection.send(&request).await;
    assert!([403, 421, 429, 503].contains(&response.status), "{}: {response:?}", refused.cause);
    assert!(!response.text().contains(refused.cause), "{response:?}");
    let access_log = envoy.access_log(refused.before + 1).await;
    let (line, logged) = (line(&envoy.log()), &access_log[refused.before]);
    let said = (line["certgate.reason"].as_str(), line["certgate.cause"].as_str());
    assert_eq!(said, (Some(refused.reason), Some(refused.cause)), "{refused:#?}\n{line:#}");
    for (field, expected) in refused.fields.as_object().unwrap() {
        assert_eq!(&line[field], expected, "{field}: {refused:#?}");
    }
    // Without a configuration nobody has asked for it.
    if refused.host != Host::NoConfiguration {
        assert_eq!(logged["certgate.cause"], refused.cause, "{logged:#}");
    }
    assert_eq!(logged["certgate.limits"], line["certgate.limits"]);
}

async fn are_refused(rows: fn(&dyn Cast) -> Vec<Refused>) {
    let everybody = Everybody::new();
    for refused in rows(&everybody) {
        is_refused(&everybody, &refused).await;
    }
}

#[tokio::test]
async fn callers_that_are_no_clients() {
    are_refused(causes::unidentified).await;
}

#[tokio::test]
async fn clients_that_were_removed() {
    are_refused(causes::removed).await;
}

#[tokio::test]
async fn clients_whose_certificate_is_no_good_now() {
    are_refused(causes::unusable).await;
}

#[tokio::test]
async fn callers_behind_a_relay() {
    are_refused(causes::relayed).await;
}

#[tokio::test]
async fn clients_that_a_rule_does_not_admit() {
    are_refused(causes::by_rules).await;
}

#[tokio::test]
async fn requests_that_no_caller_is_to_blame_for() {
    are_refused(causes::by_hosts).await;
}
