//! `certgate render envoy --envoy-crl` and `certgate render sds --envoy-crl`: revocation lists in Envoy's own validation context, and the conditions under which
//! Envoy would refuse other clients than revoked ones.

use super::rendered::documents;
use crate::support::bootstrap::Bootstrap;
use crate::support::client::Caller;
use crate::support::command_line::Run;
use crate::support::der;
use crate::support::envoy::Envoy;
use crate::support::pki::{Authority, Identity};
use crate::support::registry;
use crate::support::request::Request;
use crate::support::wait::until;
use crate::support::world::World;
use rcgen::KeyPair;
use serde_json::{Value, json};
use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Two authorities, each with a client that it has revoked and one that it has not.
struct Cast {
    world: World,
    other: Authority,
    good: [Identity; 2],
    revoked: [Identity; 2],
}

impl Cast {
    fn new() -> Self {
        let (world, other) = (World::new(), Authority::new("another authority"));
        let pair = |name: &str| [world.authority.client(name), other.client(name)];
        let (good, revoked) = (pair("good"), pair("revoked"));
        Self { world, other, good, revoked }
    }

    /// The lists of both, the second of which is due in so many seconds.
    fn lists(&self, next_update: i64) -> [String; 2] {
        [self.world.authority.crl(&[&self.revoked[0]], 3600), self.other.crl(&[&self.revoked[1]], next_update)]
    }

    fn registry(&self, lists: &[String]) -> Value {
        let clients = [("a", &self.good[0]), ("b", &self.good[1]), ("c", &self.revoked[0]), ("d", &self.revoked[1])];
        let mut registry = registry::of(&clients.map(|(alias, identity)| (alias, "unlimited", identity)));
        registry["crls"] = lists.iter().map(|pem| json!({"pem": pem})).collect();
        registry
    }

    /// `certgate render` with these options, of a registry with these lists.
    fn render(&self, options: &[&str], lists: &[String]) -> Output {
        let folder = TempDir::new().unwrap();
        let [ca, file] = ["ca.pem", "registry.json"].map(|name| folder.path().join(name));
        let authorities = [&self.world.authority, &self.other].map(|one| one.identity().certificate_pem.clone());
        fs::write(&ca, authorities.concat()).unwrap();
        fs::write(&file, self.registry(lists).to_string()).unwrap();
        let mut command = Command::new(crate::support::command_line::command_line());
        let paths = ["--module", "m.wasm", "--certificate", "server.pem", "--key", "server.key", "--trusted-ca"];
        command.args(["render", "envoy"]).args(options).args(paths).arg(&ca).arg(&file).output().unwrap()
    }

    /// What the caller gets; `None` if the handshake fails.
    async fn status(&self, envoy: &Envoy, identity: &Identity) -> Option<u16> {
        let caller: Caller = self.world.caller(identity);
        caller.try_send(envoy.port(), &Request::get("/")).await.ok().map(|response| response.status)
    }

    async fn statuses(&self, bootstrap: Bootstrap) -> [Option<u16>; 4] {
        let envoy = Envoy::start(bootstrap.trust(&self.other)).await;
        let mut statuses = [None; 4];
        for (status, identity) in statuses.iter_mut().zip(self.good.iter().chain(&self.revoked)) {
            *status = self.status(&envoy, identity).await;
        }
        statuses
    }
}

/// How the listener validates clients' certificates.
fn validation(document: &mut Value) -> &mut Value {
    let chain = &mut document["static_resources"]["listeners"][0]["filter_chains"][0];
    &mut chain["transport_socket"]["typed_config"]["common_tls_context"]["validation_context"]
}

fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn envoy_refuses_revoked_clients_in_the_handshake_and_nobody_else() {
    let cast = Cast::new();
    let run = cast.render(&["--envoy-crl"], &cast.lists(3600));
    assert!(run.status.success(), "{}", error(&run));
    assert!(error(&run).contains("Envoy refuses clients in the handshake once a list is overdue, first at "));
    let document = documents(&String::from_utf8(run.stdout).unwrap()).remove(0);
    for version in ["1.36.4", "1.40.0"] {
        let bootstrap = Bootstrap::in_world(&cast.world, document.clone()).version_that_shows_certificates(version);
        assert_eq!(cast.statuses(bootstrap).await, [Some(200), Some(200), None, None], "{version}");
    }
    // Without the option, certgate answers.
    let run = cast.render(&[], &cast.lists(3600));
    let document = documents(&String::from_utf8(run.stdout).unwrap()).remove(0);
    let bootstrap = Bootstrap::in_world(&cast.world, document);
    assert_eq!(cast.statuses(bootstrap).await, [Some(200), Some(200), Some(403), Some(403)]);
}

/// In the watched file, a new list needs no restart.
#[tokio::test]
async fn envoy_takes_new_lists_from_the_watched_file() {
    let cast = Cast::new();
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let authorities = [&cast.world.authority, &cast.other].map(|one| one.identity().certificate_pem.clone());
    fs::write(at("ca.pem"), authorities.concat()).unwrap();
    let replace = |lists: &[String]| {
        let ca = at("ca.pem").display().to_string();
        let arguments = ["render", "sds", "--trusted-ca", &ca, "--envoy-crl", "-"];
        fs::write(at("new"), Run::successful(&arguments, &cast.registry(lists).to_string())).unwrap();
        fs::rename(at("new"), at("sds.yaml")).unwrap();
    };
    let lists = |revoked: &[&Identity]| [cast.world.authority.crl(revoked, 3600), cast.other.crl(&[], 3600)];
    for version in ["1.36.4", "1.40.0"] {
        replace(&lists(&[]));
        let bootstrap = cast.world.bootstrap(&cast.registry(&[])).version(version);
        let envoy = Envoy::start(bootstrap.authorities_in(&at("sds.yaml"))).await;
        assert_eq!(cast.status(&envoy, &cast.revoked[0]).await, Some(200), "{version}");
        replace(&lists(&[&cast.revoked[0]]));
        let refused = async || cast.status(&envoy, &cast.revoked[0]).await.is_none().then_some(());
        until("Envoy to refuse the revoked client", refused).await;
        for good in [&cast.good[0], &cast.good[1], &cast.revoked[1]] {
            assert_eq!(cast.status(&envoy, good).await, Some(200), "{version}");
        }
    }
}

/// Why `render` refuses.
#[tokio::test]
async fn without_a_current_list_of_each_authority_envoy_would_refuse_others() {
    let cast = Cast::new();
    let [first, overdue] = cast.lists(-60);
    let namesakes = Authority::new("another authority").crl(&[], 3600);
    let not_its_own = "CN=another authority has no list in `crls` that it has signed (the CRL's signature does not match \
                       the issuer's key)";
    for (lists, expected, said) in [
        (vec![first.clone()], [Some(200), None, None, None], "CN=another authority has no list in `crls`"),
        (vec![first.clone(), namesakes], [Some(200), None, None, None], not_its_own),
        (vec![first, overdue], [Some(200), None, None, None], "the list of CN=another authority is overdue since "),
    ] {
        let bootstrap = cast.world.bootstrap(&cast.registry(&lists)).edit_document(|document| {
            validation(document)["crl"] = json!({"inline_string": lists.concat()});
        });
        assert_eq!(cast.statuses(bootstrap).await, expected, "{said}");
        let run = cast.render(&["--envoy-crl"], &lists);
        assert_eq!(run.status.code(), Some(1));
        assert!(error(&run).contains(said) && run.stdout.is_empty(), "{}", error(&run));
    }
}

/// Lists that certgate uses, since it needs no more of them: of an issuer that is no name, and with a date that there is
/// not.
fn strange_lists() -> [String; 2] {
    let key = KeyPair::generate().unwrap();
    let issuer = der::name(&[vec![(der::COMMON_NAME, der::element(0x0c, &[b"CA"]))]]);
    let mut of_no_day = der::list(&issuer, &key);
    let place = of_no_day.windows(13).rposition(|bytes| bytes == b"240101000000Z").unwrap();
    of_no_day[place..place + 4].copy_from_slice(b"2413");
    [der::list(b"\x30\x02\x05\0", &key), of_no_day].map(|list| der::pem("X509 CRL", &list))
}

#[tokio::test]
async fn a_list_that_envoy_does_not_read_is_named_and_not_handed_over() {
    let cast = Cast::new();
    for strange in strange_lists() {
        let [first, other] = cast.lists(3600);
        let lists = [first, strange.clone(), other, strange];
        let bootstrap = cast.world.bootstrap(&cast.registry(&lists));
        assert_eq!(cast.statuses(bootstrap).await, [Some(200), Some(200), Some(403), Some(403)]);
        let run = cast.render(&["--envoy-crl"], &lists);
        let error = error(&run);
        assert_eq!((run.status.code(), run.stdout.len()), (Some(1), 0), "{error}");
        for place in [1, 3] {
            assert!(
                error.contains(&format!("error[CG0302]: crls[{place}].pem: expected a list whose issuer")),
                "{error}"
            );
        }
        assert_eq!(error.matches("error[CG0302]").count(), 2, "{error}");
        let bootstrap = cast.world.bootstrap(&cast.registry(&[])).edit_document(|document| {
            validation(document)["crl"] = json!({"inline_string": lists.concat()});
        });
        let log = Envoy::try_start(bootstrap).await.err().unwrap();
        assert!(log.contains("Failed to load CRL"), "{log}");
    }
}
