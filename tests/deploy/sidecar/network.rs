//! Hosts with addresses of their own: network namespaces, wired to a switch. Everything is gone when it is dropped.

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::panic::resume_unwind;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

static NETWORKS: AtomicUsize = AtomicUsize::new(0);

/// A switch. It is in a namespace too, so that this machine's own network sees nothing of it.
pub(super) struct Network {
    switch: Namespace,
    id: String,
}

impl Network {
    /// One without hosts.
    pub(super) fn new() -> Self {
        let id = format!("certgate-{}-{}", std::process::id(), NETWORKS.fetch_add(1, Ordering::Relaxed));
        let switch = Namespace::new(format!("{id}-switch"));
        ip(&["-n", &switch.name, "link", "add", "switch", "type", "bridge"]);
        ip(&["-n", &switch.name, "link", "set", "switch", "up"]);
        Self { switch, id }
    }

    /// Adds a host with this name (at most fifteen characters) and address.
    pub(super) fn host(&self, name: &str, address: Ipv4Addr) -> Namespace {
        let host = Namespace::new(format!("{}-{name}", self.id));
        let switch = &self.switch.name;
        ip(&["-n", switch, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", &host.name]);
        ip(&["-n", switch, "link", "set", name, "master", "switch", "up"]);
        ip(&["-n", &host.name, "address", "add", &format!("{address}/24"), "dev", "eth0"]);
        ip(&["-n", &host.name, "link", "set", "eth0", "up"]);
        ip(&["-n", &host.name, "link", "set", "lo", "up"]);
        host
    }

    /// Cuts the wire of the host with this name, at the switch.
    pub(super) fn cut(&self, name: &str) {
        ip(&["-n", &self.switch.name, "link", "set", name, "down"]);
    }

    /// Mends it.
    pub(super) fn mend(&self, name: &str) {
        ip(&["-n", &self.switch.name, "link", "set", name, "up"]);
    }
}

/// A network namespace.
pub(super) struct Namespace {
    name: String,
}

impl Namespace {
    fn new(name: String) -> Self {
        ip(&["netns", "add", &name]);
        Self { name }
    }

    /// Does this in the namespace: what it connects to, listens on and starts is there, and stays there.
    pub(super) fn run<T: Send>(&self, work: impl AsyncFnOnce() -> T + Send) -> T {
        let namespace = self.file();
        let outcome = thread::scope(|scope| scope.spawn(|| enter(&namespace, work)).join());
        outcome.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Does this in the namespace, on a thread of its own, meanwhile.
    pub(super) fn spawn<T: Send + 'static>(&self, work: impl AsyncFnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let namespace = self.file();
        thread::spawn(move || enter(&namespace, work))
    }

    fn file(&self) -> File {
        File::open(format!("/run/netns/{}", self.name)).expect("a network namespace")
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(Command::new("ip").args(["netns", "delete", &self.name]).status());
    }
}

/// A thread that has entered a namespace does not come back, and hands it on to all that it starts.
fn enter<T>(namespace: &File, work: impl AsyncFnOnce() -> T) -> T {
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).expect("to enter a namespace");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work())
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().expect("ip can be started");
    assert!(output.status.success(), "ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
}
