//! A workload: its application on a host of its own, behind an Envoy with the shipped `envoy/sidecar.yaml`.

use super::credentials::Credentials;
use super::network::Namespace;
use crate::support::admin::Admin;
use crate::support::bootstrap::{Bootstrap, shipped};
use crate::support::client::Caller;
use crate::support::envoy::Envoy;
use crate::support::module;
use crate::support::pki::{Authority, Identity};
use crate::support::request::{Request, Response};
use crate::support::upstream::Upstream;
use crate::support::wait::until;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Where the shipped file has the application.
const APPLICATION: u16 = 8080;
/// Where the shipped file has the listener for what the application calls.
pub(super) const OUTBOUND: u16 = 15001;
/// The host of the service that the application calls.
pub(super) const SERVICE: &str = "cart.shop.example";

/// A workload.
pub(super) struct Workload {
    pub(super) envoy: Envoy,
    pub(super) application: Upstream,
    pub(super) credentials: Credentials,
    /// Goes last: the others live in it.
    pub(super) host: Namespace,
}

impl Workload {
    /// Starts one on this host, with whatever of the shipped file is to be changed. What the application calls is the
    /// sidecar of shop/cart at this address.
    pub(super) fn start(
        name: &str,
        host: Namespace,
        credentials: Credentials,
        cart: Ipv4Addr,
        change: impl FnOnce(Bootstrap) -> Bootstrap,
    ) -> Self {
        let bootstrap = change(Bootstrap::of(sidecar(&credentials, cart)));
        let (envoy, application) = host.run(async || {
            let application = Upstream::start_on(name, APPLICATION).expect("a port of the host's own");
            (Envoy::start(bootstrap).await, application)
        });
        Self { envoy, application, credentials, host }
    }

    /// What its application gets for this request to [`SERVICE`].
    pub(super) fn call(&self, request: Request) -> Response {
        self.host.run(async || Caller::plain().send(OUTBOUND, &request.authority(SERVICE)).await)
    }

    /// Makes this request again and again on one connection to the sidecar, until the answer is what it waits for.
    pub(super) fn call_until(&self, what: &str, request: &Request, is: impl Fn(&Response) -> bool + Sync) -> Response {
        self.host.run(async || {
            let mut connection = Caller::plain().connect(OUTBOUND).await;
            until(what, async || Some(connection.send(request).await).filter(&is)).await
        })
    }

    /// Replaces its certificate and whom it trusts, and waits until its Envoy uses them for new connections.
    pub(super) fn rotate(&mut self, identity: &Identity, trusted: &[&Authority]) {
        self.credentials.replace(identity, trusted);
        let serials = trusted.iter().map(|authority| authority.identity()).chain([identity]).map(serial);
        let serials: BTreeSet<String> = serials.collect();
        self.wait("the certificates in Envoy", async |admin| {
            let certificates: Value = serde_json::from_str(&admin.get("/certs").await).unwrap();
            let contexts = certificates["certificates"].as_array().unwrap();
            // Inbound and outbound.
            (contexts.len() == 2 && contexts.iter().all(|context| serials_in(context) == serials)).then_some(())
        });
    }

    /// Waits until it has no connection to another sidecar, as far as these last for a short time only.
    pub(super) fn wait_for_connections_to_end(&self) {
        self.wait("connections to end", async |admin| {
            (admin.stat("cluster.cart.upstream_cx_active").await == 0).then_some(())
        });
    }

    /// Waits until its Envoy has this answer.
    fn wait<T: Send>(&self, what: &str, mut question: impl AsyncFnMut(Admin) -> Option<T> + Send) -> T {
        let admin = self.envoy.admin;
        self.host.run(async || until(what, async || question(admin).await).await)
    }

    /// How many requests certgate has decided, with these labels among others.
    pub(super) fn decided(&self, labels: &[(&str, &str)]) -> usize {
        let admin = self.envoy.admin;
        self.host.run(async || admin.metric("certgate_requests_total", labels).await) as usize
    }

    /// How many requests have come to its inbound listener.
    pub(super) fn delivered(&self) -> usize {
        self.stat("http.inbound.downstream_rq_total")
    }

    /// A counter or gauge of its Envoy.
    pub(super) fn stat(&self, name: &str) -> usize {
        let admin = self.envoy.admin;
        self.host.run(async || admin.stat(name).await).try_into().unwrap()
    }
}

/// The shipped file, with its files elsewhere and its application calling cart.
fn sidecar(credentials: &Credentials, cart: Ipv4Addr) -> Value {
    let text = credentials.elsewhere(&shipped("sidecar.yaml")).to_string().replace("payments", "cart");
    let mut document: Value = serde_json::from_str(&text).unwrap();
    plugin(&mut document)["vm_config"]["code"]["local"]["filename"] = json!(module::path());
    let endpoint = &mut cluster(&mut document)["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
    endpoint["address"]["socket_address"]["address"] = json!(cart);
    document
}

/// The registry in a sidecar's configuration.
pub(super) fn registry(document: &mut Value) -> &mut Value {
    &mut plugin(document)["configuration"]["value"]
}

/// How long a connection to another sidecar lasts at most.
pub(super) fn connections_last(document: &mut Value, time: &str) {
    let options = &mut cluster(document)["typed_extension_protocol_options"];
    let options = &mut options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"];
    let duration = &mut options["common_http_protocol_options"]["max_connection_duration"];
    assert!(duration.is_string(), "the shipped file has a bound");
    *duration = json!(time);
}

fn cluster(document: &mut Value) -> &mut Value {
    let clusters = document["static_resources"]["clusters"].as_array_mut().unwrap();
    clusters.iter_mut().find(|cluster| cluster["name"] == "cart").unwrap()
}

fn plugin(document: &mut Value) -> &mut Value {
    let manager = &mut document["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
    let filters = manager["http_filters"].as_array_mut().unwrap();
    let certgate = filters.iter_mut().find(|filter| filter["name"] == "certgate").unwrap();
    &mut certgate["typed_config"]["config"]
}

/// As Envoy writes it.
fn serial(identity: &Identity) -> String {
    HEXLOWER.encode(identity.serial().as_ref()).trim_start_matches('0').to_owned()
}

fn serials_in(context: &Value) -> BTreeSet<String> {
    let certificates = ["ca_cert", "cert_chain"].into_iter().flat_map(|list| context[list].as_array().unwrap());
    let serials = certificates.map(|certificate| certificate["serial_number"].as_str().unwrap());
    serials.map(|serial| serial.trim_start_matches('0').to_owned()).collect()
}
