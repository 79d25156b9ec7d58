//! The load: requests over mutual TLS on connections that stay open, each answer's status checked.

pub(crate) mod closed;
mod http1;
mod http2;
pub(crate) mod open;

use crate::support::pki::{Authority, Identity};
use anyhow::{Context, Result, ensure};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const AUTHORITY: &str = "localhost";
const PATH: &str = "/orders/7?fields=total";
const HEADERS: [(&str, &str); 2] = [("user-agent", "certgate-bench"), ("accept", "application/json")];

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, one stream at a time on each connection.
    Http2,
}

impl Protocol {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Http1, Self::Http2];

    fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        })
    }
}

/// A connection on which one request is sent at a time.
pub(crate) struct Connection {
    exchange: Exchange,
    status: u16,
}

enum Exchange {
    Http1(Box<http1::Connection>),
    Http2(Box<http2::Connection>),
}

impl Connection {
    /// Opens one to the port, on which each answer must have this status.
    pub(crate) async fn open(
        authority: &Authority,
        identity: &Identity,
        protocol: Protocol,
        port: u16,
        status: u16,
    ) -> Result<Self> {
        let stream = connect(authority, identity, protocol, port).await.with_context(|| format!("port {port}"))?;
        let exchange = match protocol {
            Protocol::Http1 => Exchange::Http1(Box::new(http1::Connection::new(stream))),
            Protocol::Http2 => Exchange::Http2(Box::new(http2::Connection::new(stream).await?)),
        };
        Ok(Self { exchange, status })
    }

    /// Sends a request, reads the whole answer, and checks its status.
    pub(crate) async fn exchange(&mut self) -> Result<()> {
        let status = match &mut self.exchange {
            Exchange::Http1(connection) => connection.exchange().await?,
            Exchange::Http2(connection) => connection.exchange().await?,
        };
        ensure!(status == self.status, "expected status {}, found {status}", self.status);
        Ok(())
    }
}

async fn connect(
    authority: &Authority,
    identity: &Identity,
    protocol: Protocol,
    port: u16,
) -> Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.identity().der.clone())?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![identity.der.clone()], identity.key.clone_key())?;
    config.alpn_protocols = vec![protocol.alpn().to_vec()];
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let stream = TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(AUTHORITY)?, stream).await?;
    Ok(stream)
}
