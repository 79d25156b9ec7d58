//! Three workloads of one trust domain, each on a host of its own. All call shop/cart.

use super::credentials::Credentials;
use super::network::Network;
use super::workload::Workload;
use crate::support::bootstrap::Bootstrap;
use crate::support::pki::{Authority, Leaf};
use serde_json::Value;
use std::net::Ipv4Addr;
use std::thread;

const CART: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const WEB: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);
const STRANGER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 3);

/// The three.
pub(super) struct Mesh {
    /// Who has signed their certificates.
    pub(super) authority: Authority,
    /// Whom the others call: shop/cart.
    pub(super) cart: Workload,
    /// Somebody whom its registry knows: shop/web.
    pub(super) web: Workload,
    /// Somebody whom it does not know: other/stranger.
    pub(super) stranger: Workload,
    pub(super) network: Network,
}

impl Mesh {
    /// Starts them, with this changed in each one's shipped file.
    pub(super) fn start(change: impl Fn(&mut Value) + Sync) -> Self {
        Self::start_each(|_, bootstrap| bootstrap.edit_document(&change))
    }

    /// The same, with cart behind an Envoy of this version.
    pub(super) fn with_cart_behind(version: &str, change: impl Fn(&mut Value) + Sync) -> Self {
        Self::start_each(|name, bootstrap| {
            let bootstrap = bootstrap.edit_document(&change);
            if name == "cart" { bootstrap.version(version) } else { bootstrap }
        })
    }

    fn start_each(change: impl Fn(&str, Bootstrap) -> Bootstrap + Sync) -> Self {
        let authority = Authority::new("the mesh's authority");
        let network = Network::new();
        let issue = |path| Credentials::new(&authority.issue(&of(path)), &[&authority]);
        let [cart, web, mut stranger] = thread::scope(|scope| {
            let workloads = [
                ("cart", CART, issue("shop/sa/cart")),
                ("web", WEB, issue("shop/sa/web")),
                ("stranger", STRANGER, Credentials::none()),
            ];
            let started = workloads.map(|(name, address, credentials)| {
                let host = network.host(name, address);
                let change = &change;
                scope.spawn(move || Workload::start(name, host, credentials, CART, |bootstrap| change(name, bootstrap)))
            });
            started.map(|workload| workload.join().expect("a workload that starts"))
        });
        // Certificates that come late are taken up too.
        stranger.rotate(&authority.issue(&of("other/sa/stranger")), &[&authority]);
        Self { authority, cart, web, stranger, network }
    }
}

/// The certificate of the workload with this path in the trust domain.
pub(super) fn of(path: &str) -> Leaf {
    Leaf::workload(&format!("spiffe://example.org/ns/{path}"))
}
