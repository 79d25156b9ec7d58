//! The source of the client's certificate, and whether its chain must be verified.

use super::credential::{Identifier, Shape};
use std::fmt;

/// When names in a certificate count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chain {
    /// If the proxy has verified the chain on this connection.
    #[default]
    Verified,
    /// Always: the operator states that the listener admits only certificates whose chains it has verified.
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

/// The source of the client's certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The connection: the peer is the client.
    #[default]
    Connection,
    /// The connection, or `x-forwarded-client-cert` if the peer is a trusted relay.
    Xfcc(Relays),
}

/// The trusted relays: proxies that forward the certificates of their clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relays {
    /// The identifiers of their certificates, in ascending order.
    pub identifiers: Vec<Identifier>,
    /// The shapes of those identifiers that are names.
    pub shapes: Vec<Shape>,
}

impl Relays {
    /// Whether a relay has this identifier.
    pub fn are(&self, identifier: &Identifier) -> bool {
        self.identifiers.binary_search(identifier).is_ok()
    }
}

/// The holder of a certificate that a request was decided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Holder {
    /// The client at the other end of the connection.
    #[default]
    Client,
    /// The client whose certificate a relay has forwarded.
    ForwardedClient,
    /// The relay at the other end of the connection.
    Relay,
}

impl Holder {
    /// The word of the holder in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client | Self::ForwardedClient => "client",
            Self::Relay => "relay",
        }
    }
}

/// The identity settings of a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The source of certificates.
    pub source: Source,
    /// When the names in certificates count.
    pub chain: Chain,
}
