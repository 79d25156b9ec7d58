//! Whose word is believed about who calls.

use super::credential::{Identifier, Shape};
use std::fmt;

/// When names in a certificate count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chain {
    /// When the proxy says that it has verified the chain on this connection.
    #[default]
    Verified,
    /// Always: the operator states that the listener lets no certificate in whose chain it has not verified.
    Listener,
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verified => {
                "where Envoy says that it has verified the chain, which it says of no resumed TLS session"
            }
            Self::Listener => "always (`chain: listener`)",
        })
    }
}

/// Where the client's certificate comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The connection's other end is the client.
    #[default]
    Connection,
    /// It is the client, or a relay that says in `x-forwarded-client-cert` who the client is.
    Xfcc(Relays),
}

/// The proxies that are believed about who their clients are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relays {
    /// What identifies them, in ascending order.
    pub identifiers: Vec<Identifier>,
    /// How the names among these are compared.
    pub shapes: Vec<Shape>,
}

impl Relays {
    /// Whether this is what identifies one of them.
    pub fn are(&self, identifier: &Identifier) -> bool {
        self.identifiers.binary_search(identifier).is_ok()
    }
}

/// Whose word is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Where certificates come from.
    pub source: Source,
    /// When the names in them count.
    pub chain: Chain,
}
