//! Everything round an Envoy: an authority, a server's certificate, two upstreams.

use super::bootstrap::Bootstrap;
use super::client::Caller;
use super::pki::{Authority, Identity, Leaf};
use super::upstream::Upstream;
use serde_json::Value;

/// The hosts in the server's certificate.
const HOSTS: [&str; 4] = ["localhost", "api.example.com", "shop.example.com", "*.example.org"];

/// The surroundings of an Envoy.
pub struct World {
    /// Who signed the server's certificate, and whose client certificates the listener trusts.
    pub authority: Authority,
    /// The server's certificate.
    pub server: Identity,
    /// Where requests go that no other route takes.
    pub default: Upstream,
    /// Where gold clients' requests go.
    pub gold: Upstream,
}

impl World {
    /// A new one.
    pub fn new() -> Self {
        let authority = Authority::new("the trusted authority");
        let server = authority.issue(&Leaf::server(&HOSTS));
        Self { authority, server, default: Upstream::start("default"), gold: Upstream::start("gold") }
    }

    /// The shipped configuration in this world, with this registry.
    pub fn bootstrap(&self, registry: &Value) -> Bootstrap {
        Bootstrap::inline(self, registry)
    }

    /// The shipped configuration in this world, with this registry in a watched file.
    pub fn ecds_bootstrap(&self, registry: &Value) -> Bootstrap {
        Bootstrap::ecds(self, registry)
    }

    /// A caller with this certificate.
    pub fn caller(&self, identity: &Identity) -> Caller {
        self.anonymous().identity(identity)
    }

    /// A caller without a certificate.
    pub fn anonymous(&self) -> Caller {
        Caller::new(&self.authority)
    }

    /// How many requests reached any upstream.
    pub fn forwarded(&self) -> usize {
        self.default.count() + self.gold.count()
    }
}
