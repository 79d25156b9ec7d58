//! Who calls during the soak: clients on connections that stay open, and everybody who should not get far.

use super::record::Record;
use crate::support::client::{Caller, Connection, Failure};
use crate::support::pki::{Authority, Identity};
use crate::support::request::Request;
use crate::support::world::World;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Between two requests of a caller: the machine is not for this test alone.
const PACE: Duration = Duration::from_millis(10);

const STRANGERS: usize = 40;

/// As much of a request as somebody writes who goes away in the middle of it.
const HALF: usize = 10;

/// What callers ask for.
const PATHS: [&str; 6] = ["/", "/healthz", "/admin/users", "/internal/state", "/orders/17", "/admin"];

/// Requests, byte for byte, that Envoy does not pass on, with the status it answers with.
const REFUSED_BY_ENVOY: [(&str, u16); 4] = [
    ("GET /admin%2Fusers HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nhost: localhost\r\nx_client_alias: steady\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\ncontent-length: x\r\n\r\n", 400),
    ("NOT HTTP AT ALL\r\n\r\n", 400),
];

/// Paths as they are written, and as which they count.
const ODD_PATHS: [(&str, &str); 5] = [
    ("//admin//users", "/admin/users"),
    ("/orders/../admin/users", "/admin/users"),
    ("/healthz/../internal/state", "/internal/state"),
    ("/healthz?a=/../admin", "/healthz"),
    ("/%61dmin/users", "/admin/users"),
];

/// Everything that calls.
pub(super) struct Traffic {
    /// Where.
    pub(super) port: u16,
    /// What it reports to.
    pub(super) record: Arc<Record>,
}

impl Traffic {
    /// All callers, until the record says that it is enough. Joined, each must have ended well.
    pub(super) fn start(self, world: &World, identities: &BTreeMap<&'static str, Identity>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let traffic = Arc::new(self);
        for (alias, identity) in identities {
            for caller in [world.caller(identity), world.caller(identity).http2()] {
                tasks.spawn(Arc::clone(&traffic).stay(alias, caller));
            }
        }
        let [steady, mover] = ["steady", "mover"].map(|alias| world.caller(&identities[alias]));
        tasks.spawn(Arc::clone(&traffic).come_back("steady", steady.tls12()));
        tasks.spawn(Arc::clone(&traffic).come_back("mover", mover.tls13()));
        let strangers =
            (0..STRANGERS).map(|number| world.caller(&world.authority.client(&format!("stranger {number}"))));
        let unknown: Vec<_> = strangers.chain([world.anonymous()]).collect();
        let http2 = unknown.iter().cloned().map(Caller::http2).collect();
        tasks.spawn(Arc::clone(&traffic).knock(unknown));
        tasks.spawn(Arc::clone(&traffic).knock(http2));
        let elsewhere = Authority::new("another authority");
        tasks.spawn(Arc::clone(&traffic).be_turned_away(world.caller(&elsewhere.client("steady"))));
        tasks.spawn(Arc::clone(&traffic).misbehave(world.caller(&identities["steady"])));
        tasks.spawn(Arc::clone(&traffic).write_oddly(world.caller(&identities["demoted"])));
        tasks
    }

    /// A client on one connection from beginning to end, which a reload must not break.
    async fn stay(self: Arc<Self>, alias: &'static str, caller: Caller) {
        let mut connection = caller.connect(self.port).await;
        let mut turn = 0;
        while self.record.goes_on() {
            if let Err(Failure(causes)) = self.ask(&mut connection, Some(alias), turn).await {
                self.record.wrong(format!("a connection of {alias} broke at its request {turn}: {causes}"));
                return;
            }
            turn += 1;
            sleep(PACE).await;
        }
        self.record.count("connections that stayed");
    }

    /// A client that connects anew for each request, mostly resuming its session.
    async fn come_back(self: Arc<Self>, alias: &'static str, caller: Caller) {
        let mut turn = 0;
        while self.record.goes_on() {
            let mut connection = caller.connect(self.port).await;
            if connection.is_resumed() {
                self.record.count("resumed sessions");
            }
            if let Err(Failure(causes)) = self.ask(&mut connection, Some(alias), turn).await {
                self.record.wrong(format!("{alias} got no answer on a new connection: {causes}"));
            }
            turn += 1;
            sleep(PACE).await;
        }
    }

    /// Callers whom no registry knows, on a new connection each time.
    async fn knock(self: Arc<Self>, strangers: Vec<Caller>) {
        let mut turn = 0;
        while self.record.goes_on() {
            let mut connection = strangers[turn % strangers.len()].connect(self.port).await;
            for turn in turn..turn + 3 {
                if let Err(Failure(causes)) = self.ask(&mut connection, None, turn).await {
                    self.record.wrong(format!("a stranger got no answer: {causes}"));
                }
            }
            turn += 1;
            sleep(PACE).await;
        }
    }

    /// A request, in most cases with headers that say who the caller would like to be.
    async fn ask(&self, connection: &mut Connection, alias: Option<&'static str>, turn: usize) -> Result<(), Failure> {
        let path = PATHS[turn % PATHS.len()];
        let mut request = Request::get(path);
        if !turn.is_multiple_of(3) {
            request = request
                .header("x-client-alias", "steady")
                .header("X-Client-Tier", "gold")
                .header("x.client.alias", "steady")
                .header("x-client-groups", "ops");
        }
        if turn.is_multiple_of(7) {
            request = request.header("x-large", &"x".repeat(20_000)).header("x-latin", "\u{ff}\u{80}");
        }
        let began = self.record.begin();
        let response = connection.try_send(&request).await?;
        self.record.check(began, alias, path, &response);
        Ok(())
    }

    /// Somebody with a client's name in a certificate that nobody here trusts.
    async fn be_turned_away(self: Arc<Self>, caller: Caller) {
        while self.record.goes_on() {
            match caller.try_send(self.port, &Request::get("/")).await {
                Err(_) => self.record.count("handshakes refused"),
                Ok(response) => self.record.wrong(format!("an untrusted certificate got {response:?}")),
            }
            sleep(PACE * 10).await;
        }
    }

    /// A client that does not speak HTTP as it should, or goes away in the middle of it.
    async fn misbehave(self: Arc<Self>, caller: Caller) {
        let huge = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx-huge: {}\r\n\r\n", "x".repeat(100_000));
        let cases = REFUSED_BY_ENVOY.into_iter().chain([(huge.as_str(), 431)]);
        for (request, status) in cases.collect::<Vec<_>>().into_iter().cycle() {
            if !self.record.goes_on() {
                return;
            }
            let mut half = caller.raw(self.port).await;
            half.write(&request.as_bytes()[..HALF]).await;
            drop(half);
            let response = caller.raw(self.port).await.exchange(request).await;
            if response.status == status {
                self.record.count("refused by Envoy");
            } else {
                self.record.wrong(format!("{request:.60} got {response:?}"));
            }
            sleep(PACE * 5).await;
        }
    }

    /// A client that writes paths in other ways than they count, and lists identity headers as the connection's own.
    async fn write_oddly(self: Arc<Self>, caller: Caller) {
        let mut connection = caller.raw(self.port).await;
        for (written, path) in ODD_PATHS.into_iter().cycle() {
            if !self.record.goes_on() {
                return;
            }
            let began = self.record.begin();
            let head = format!("GET {written} HTTP/1.1\r\nhost: localhost\r\nconnection: x-client-alias\r\n\r\n");
            let response = connection.exchange(head).await;
            self.record.check(began, Some("demoted"), path, &response);
            sleep(PACE).await;
        }
    }
}
