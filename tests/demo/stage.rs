//! The setting of the demo: certificates, a registry, an Envoy with certgate, and upstreams.

use crate::certificates::{Authority, Identity};
use crate::envoy::Envoy;
use crate::http::Connection;
use crate::places::{AUTHORITIES, FOLDER, REGISTRY, UPSTREAMS, WATCHED, file, port, read, write};
use crate::registry::{Outcome, Registry, now};
use certgate_manage::fingerprint::certificates;
use certgate_manage::render;
use certgate_manage::render::envoy::{EnvoyOptions, Filter, TrustedCa};
use certgate_manage::{Diagnostic, Format, load};
use rustls::{ClientConnection, StreamOwned};
use std::error::Error;
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};

/// The fingerprints that stand for those of partners in the shipped registry.
const STAND_INS: [[&str; 32]; 2] = [["aa"; 32], ["bb"; 32]];

/// The running demo. Every process of it ends with it.
pub(crate) struct Stage {
    /// The port of the HTTPS listener.
    pub(crate) port: u16,
    authority: Authority,
    /// A client in the tier gold.
    pub(crate) partner_a: Identity,
    /// A client in the tier bronze.
    pub(crate) partner_b: Identity,
    /// The holder of a certificate of the same authority that the registry does not have.
    pub(crate) stranger: Identity,
    gateway: Envoy,
    registry: Registry,
    _upstreams: Envoy,
    /// Held while the files are this demo's.
    _lock: File,
}

/// A connection of a client to the listener.
pub(crate) type Caller = Connection<StreamOwned<ClientConnection, TcpStream>>;

impl Stage {
    /// Sets everything up.
    pub(crate) fn set() -> Result<Self, Box<dyn Error>> {
        let port = port()?;
        // Envoy itself shares the port with another Envoy without a word.
        TcpListener::bind(("127.0.0.1", port))
            .map_err(|error| format!("port {port} cannot be used ({error}): DEMO_PORT=... names another port"))?;
        fs::create_dir_all(file("live"))?;
        let lock = File::create(file("lock"))?;
        lock.try_lock().map_err(|_| format!("another demo is running in {FOLDER}: end it"))?;
        println!("Making certificates in {FOLDER}");
        let authority = Authority::new()?;
        authority.server()?;
        let [partner_a, partner_b, stranger] =
            ["partner-a", "partner-b", "stranger"].map(|name| authority.client(name));
        let (partner_a, partner_b, stranger) = (partner_a?, partner_b?, stranger?);
        let registry = own_registry(&partner_a, &partner_b)?;
        write(REGISTRY, &registry)?;
        let watched = Registry::place()?;
        write(file("envoy.yaml"), &bootstrap(&registry, port)?)?;
        write(AUTHORITIES, &render::sds(&format!("{FOLDER}/ca.pem")).map_err(message)?.text)?;
        write(file("upstream.yaml"), &upstreams()?)?;
        println!("Starting Envoy with certgate at https://localhost:{port}, and an Envoy that plays the upstreams");
        let upstreams = Envoy::upstreams()?;
        let gateway = Envoy::gateway()?;
        Ok(Self {
            port,
            authority,
            partner_a,
            partner_b,
            stranger,
            gateway,
            registry: watched,
            _upstreams: upstreams,
            _lock: lock,
        })
    }

    /// A new connection with this certificate, or with none.
    pub(crate) fn connect(&self, identity: Option<&Identity>) -> Result<Caller, Box<dyn Error>> {
        Connection::tls(self.port, self.authority.tls(identity)?)
    }

    /// Waits until the registry is saved, and for its fate.
    pub(crate) fn registry_saved(&mut self) -> Result<Outcome, Box<dyn Error>> {
        self.registry.saved(&mut self.gateway)
    }
}

/// The fingerprint of a certificate, as `openssl x509 -fingerprint` prints it but in lower case.
pub(crate) fn fingerprint(identity: &Identity) -> Result<String, Box<dyn Error>> {
    let found = certificates(identity.pem.as_bytes()).map_err(|error| error.message)?;
    let digits = found.first().map(|certificate| certificate.fingerprint.to_string()).unwrap_or_default();
    let bytes: Vec<_> = digits.as_bytes().chunks(2).map(String::from_utf8_lossy).collect();
    Ok(bytes.join(":"))
}

/// The shipped registry with the fingerprints of these partners.
fn own_registry(partner_a: &Identity, partner_b: &Identity) -> Result<String, Box<dyn Error>> {
    let shipped = read("envoy/registry-local.yaml")?;
    let begin = shipped.find("version:").ok_or("envoy/registry-local.yaml: expected `version:`, found none")?;
    let mut registry =
        String::from("# The registry of the demo. Each save takes effect while `make run` is running.\n\n");
    registry.push_str(shipped.get(begin..).unwrap_or_default());
    for (stand_in, partner) in STAND_INS.iter().zip([partner_a, partner_b]) {
        registry = replace(&registry, &stand_in.join(":"), &fingerprint(partner)?)?;
    }
    Ok(registry)
}

/// The shipped bootstrap at this port, with an administration port that Envoy chooses and upstreams at sockets.
fn bootstrap(registry: &str, port: u16) -> Result<String, Box<dyn Error>> {
    let registry = load(registry.as_bytes(), Format::Yaml).map_err(message)?;
    let own = |name: &str| format!("{FOLDER}/{name}");
    let (certificate, key) = (own("server.pem"), own("server.key"));
    let options = EnvoyOptions {
        filter: Filter::Watched { file: WATCHED },
        certificate: &certificate,
        key: &key,
        trusted_ca: TrustedCa::Watched { file: AUTHORITIES },
    };
    let rendered = render::envoy(&registry, &options, now()).map_err(message)?;
    let text = replace(&rendered.text, "port_value: 8443}", &format!("port_value: {port}}}"))?;
    let text = replace(&text, "port_value: 9901}", "port_value: 0}")?;
    at_sockets(text, "127.0.0.1")
}

fn message(errors: Vec<Diagnostic>) -> String {
    errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join("\n")
}

/// The upstreams of Compose, at sockets.
fn upstreams() -> Result<String, Box<dyn Error>> {
    at_sockets(read("envoy/compose/upstream.yaml")?, "0.0.0.0")
}

/// `text` with the sockets of upstreams in place of their ports at this address.
fn at_sockets(mut text: String, address: &str) -> Result<String, Box<dyn Error>> {
    for (port, socket) in UPSTREAMS {
        let from = format!("{{socket_address: {{address: {address}, port_value: {port}}}}}");
        text = replace(&text, &from, &format!("{{pipe: {{path: {socket}}}}}"))?;
    }
    Ok(text)
}

/// `text` with `from` made into `to`; an error if it is not there, since the shipped file has changed then.
fn replace(text: &str, from: &str, to: &str) -> Result<String, Box<dyn Error>> {
    if text.contains(from) {
        Ok(text.replace(from, to))
    } else {
        Err(format!("a shipped file no longer has {from}").into())
    }
}
