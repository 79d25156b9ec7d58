//! Everything that the demo needs before anybody calls: certificates, upstreams, an Envoy, a registry.

use crate::support::admin::Admin;
use crate::support::client::Caller;
use crate::support::ecds::{Ecds, Outcome};
use crate::support::envoys::{self, repository};
use crate::support::pki::{Authority, Identity, Leaf};
use crate::support::process::{Launch, Process};
use crate::support::upstream::Upstream;
use crate::support::wait::until;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

/// The ports of the shipped configuration.
pub(crate) const HTTPS: u16 = 8443;
const ADMIN: u16 = 9901;
const UPSTREAMS: [(&str, u16); 2] = [("default", 9001), ("gold", 9002)];

/// Where the demo's files are.
pub(crate) const FOLDER: &str = "target/demo";
/// Envoy's log and access log.
pub(crate) const ENVOY_LOG: &str = "target/demo/envoy.log";
/// The registry, for people.
pub(crate) const REGISTRY: &str = "target/demo/registry-ecds.yaml";
/// The registry, as Envoy watches it: a folder of its own, since any file that comes into a watched folder makes Envoy
/// read its file again.
pub(crate) const WATCHED: &str = "target/demo/live/registry-ecds.yaml";
const BOOTSTRAP: &str = "target/demo/envoy-ecds.yaml";

/// The stand-ins for fingerprints in the shipped registry.
const GOLD_FINGERPRINT: [&str; 32] = ["aa"; 32];
const BRONZE_FINGERPRINT: [&str; 32] = ["bb"; 32];

/// The running demo. Everything in it ends with it.
pub(crate) struct Stage {
    authority: Authority,
    /// `partner-a` in the registry.
    pub(crate) gold: Identity,
    /// `partner-b` in the registry.
    pub(crate) bronze: Identity,
    /// Whose certificate is as good as theirs, but not in the registry.
    pub(crate) stranger: Identity,
    ecds: Ecds,
    envoy: Process,
    _upstreams: Vec<Upstream>,
}

impl Stage {
    /// Sets everything up; if it cannot, why.
    pub(crate) async fn set() -> Result<Self, String> {
        let upstreams = upstreams()?;
        [HTTPS, ADMIN].into_iter().try_for_each(is_free)?;
        println!("Making certificates in {FOLDER} ...");
        fs::create_dir_all(at(FOLDER).join("live")).map_err(|error| format!("{FOLDER}: {error}"))?;
        let authority = Authority::new("certgate demo CA");
        let server = authority.issue(&Leaf::server(&["localhost"]));
        let [gold, bronze, stranger] = ["partner-a", "partner-b", "stranger"].map(|name| authority.client(name));
        write("ca.pem", &authority.identity().certificate_pem);
        // For certificates of the reader's own.
        write("ca.key", &authority.identity().key_pem);
        let named = [("server", &server), ("gold", &gold), ("bronze", &bronze), ("stranger", &stranger)];
        for (name, identity) in named {
            write(&format!("{name}.pem"), &identity.certificate_pem);
            write(&format!("{name}.key"), &identity.key_pem);
        }
        let registry = read("envoy/registry-ecds.yaml");
        let registry = replace(&registry, &GOLD_FINGERPRINT.join(":"), &gold.fingerprint());
        let registry = replace(&registry, &BRONZE_FINGERPRINT.join(":"), &bronze.fingerprint());
        write("registry-ecds.yaml", &registry);
        write("live/registry-ecds.yaml", &registry);
        let bootstrap = read("envoy/envoy-ecds.yaml");
        let bootstrap = replace(&bootstrap, "path: envoy/registry-ecds.yaml", &format!("path: {WATCHED}"));
        let bootstrap = replace(&bootstrap, "{path: envoy}", &format!("{{path: {FOLDER}/live}}"));
        write("envoy-ecds.yaml", &bootstrap);
        println!("Starting Envoy with two workers at https://localhost:{HTTPS} ...");
        let envoy = start_envoy().await?;
        let ecds = Ecds::new(&at(WATCHED));
        Ok(Self { authority, gold, bronze, stranger, ecds, envoy, _upstreams: upstreams })
    }

    /// A caller without a certificate.
    pub(crate) fn anonymous(&self) -> Caller {
        Caller::new(&self.authority)
    }

    /// A caller with this certificate.
    pub(crate) fn caller(&self, identity: &Identity) -> Caller {
        self.anonymous().identity(identity)
    }

    /// Puts this registry in the place that Envoy watches; also what Envoy logged of it.
    pub(crate) async fn replace_registry(&mut self, text: &str) -> (Outcome, String) {
        let before = self.envoy.log().len();
        let outcome = self.ecds.replace(Admin { port: ADMIN }, text).await;
        (outcome, self.envoy.log().split_off(before))
    }
}

fn upstreams() -> Result<Vec<Upstream>, String> {
    println!("Starting two upstreams that answer with what they received ...");
    let start = |(name, port)| Upstream::start_on(name, port).map_err(|error| taken(port, &error));
    UPSTREAMS.into_iter().map(start).collect()
}

fn is_free(port: u16) -> Result<(), String> {
    TcpListener::bind(("127.0.0.1", port)).map(drop).map_err(|error| taken(port, &error))
}

fn taken(port: u16, error: &std::io::Error) -> String {
    format!("Port {port} on 127.0.0.1 cannot be had ({error}); the demo needs 8443, 9001, 9002 and 9901.")
}

async fn start_envoy() -> Result<Process, String> {
    let mut process = Process::start(&Launch {
        envoy: &envoys::pinned(),
        config: &at(BOOTSTRAP),
        concurrency: 2,
        arguments: Vec::new(),
        log: &at(ENVOY_LOG),
    });
    let admin = Admin { port: ADMIN };
    until("Envoy to be ready", async || match process.ended() {
        Some(status) => Some(Err(format!("Envoy does not start: {status}\n{}", process.log_tail()))),
        None => admin.is_ready().await.then_some(Ok(())),
    })
    .await?;
    Ok(process)
}

fn at(path: &str) -> PathBuf {
    repository().join(path)
}

/// A file's text; a registry that the reader edits may be gone for a moment.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(at(path)).unwrap_or_default()
}

fn write(name: &str, text: &str) {
    let path = at(FOLDER).join(name);
    if let Err(error) = fs::write(&path, text) {
        panic!("{}: {error}", path.display());
    }
}

/// `text` with `from` made into `to`. Panics if it is not there: the shipped file has changed, and this has not.
fn replace(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "the shipped file no longer has {from}");
    text.replace(from, to)
}
