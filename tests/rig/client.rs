//! A caller: who it is, how it speaks, and its connections.

use super::fields::{Fields, bytes};
use super::pki::{Authority, Identity};
use super::raw::Raw;
use super::request::{Request, Response};
use super::wait::within;
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::client::conn::{http1, http2};
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue, TRAILER};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion};
use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

static TLS12_OR_13: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
static TLS12_ONLY: [&SupportedProtocolVersion; 1] = [&TLS12];
static TLS13_ONLY: [&SupportedProtocolVersion; 1] = [&TLS13];

/// Why a call failed before there was a response: every cause, outermost first.
#[derive(Debug)]
pub struct Failure(pub String);

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut causes = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            causes.push_str(": ");
            causes.push_str(&error.to_string());
            cause = error.source();
        }
        Self(causes)
    }
}

/// A connection's bytes, with or without TLS.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Somebody who calls. Over TLS it keeps its sessions: a later connection resumes an earlier one's, also that of a clone
/// made after the first connection.
#[derive(Clone)]
pub struct Caller {
    transport: Transport,
    http2: bool,
}

#[derive(Clone)]
enum Transport {
    Plain,
    Tls(Tls),
}

#[derive(Clone)]
struct Tls {
    authority: CertificateDer<'static>,
    identity: Option<Identity>,
    versions: &'static [&'static SupportedProtocolVersion],
    server_name: String,
    /// Made at the first connection; holds the sessions.
    config: OnceLock<Arc<ClientConfig>>,
}

impl Caller {
    /// A caller without a certificate, over TLS to a server that this authority vouches for, with HTTP/1.1.
    pub fn new(authority: &Authority) -> Self {
        let tls = Tls {
            authority: authority.identity().der.clone(),
            identity: None,
            versions: &TLS12_OR_13,
            server_name: "localhost".to_owned(),
            config: OnceLock::new(),
        };
        Self { transport: Transport::Tls(tls), http2: false }
    }

    /// A caller without TLS, with HTTP/1.1.
    pub fn plain() -> Self {
        Self { transport: Transport::Plain, http2: false }
    }

    /// With this certificate.
    pub fn identity(self, identity: &Identity) -> Self {
        self.tls(|tls| tls.identity = Some(identity.clone()))
    }

    /// With TLS 1.2 only.
    pub fn tls12(self) -> Self {
        self.tls(|tls| tls.versions = &TLS12_ONLY)
    }

    /// With TLS 1.3 only.
    pub fn tls13(self) -> Self {
        self.tls(|tls| tls.versions = &TLS13_ONLY)
    }

    /// Asking for this server (SNI).
    pub fn server_name(self, name: &str) -> Self {
        self.tls(|tls| name.clone_into(&mut tls.server_name))
    }

    /// With HTTP/2.
    pub fn http2(mut self) -> Self {
        self.http2 = true;
        self.tls(|_| ())
    }

    fn tls(mut self, change: impl FnOnce(&mut Tls)) -> Self {
        if let Transport::Tls(tls) = &mut self.transport {
            change(tls);
            tls.config = OnceLock::new();
        }
        self
    }

    /// Opens a connection. Under TLS 1.3, a certificate that the server does not accept shows only at the first request.
    pub async fn try_connect(&self, port: u16) -> Result<Connection, Failure> {
        let (stream, resumed) = self.stream(port).await?;
        let io = TokioIo::new(stream);
        let (sender, driver) = if self.http2 {
            let (sender, driver) = http2::handshake(TokioExecutor::new(), io).await?;
            (Sender::Http2(sender), tokio::spawn(async { drop(driver.await) }))
        } else {
            let (sender, driver) = http1::handshake(io).await?;
            (Sender::Http1(sender), tokio::spawn(async { drop(driver.await) }))
        };
        Ok(Connection { sender, resumed, driver })
    }

    /// Opens a connection, or panics.
    pub async fn connect(&self, port: u16) -> Connection {
        self.try_connect(port).await.unwrap_or_else(|Failure(causes)| panic!("no connection to port {port}: {causes}"))
    }

    /// Sends one request on a connection of its own.
    pub async fn try_send(&self, port: u16, request: &Request) -> Result<Response, Failure> {
        self.try_connect(port).await?.try_send(request).await
    }

    /// Sends one request on a connection of its own, or panics.
    pub async fn send(&self, port: u16, request: &Request) -> Response {
        self.connect(port).await.send(request).await
    }

    /// Gets a path on a connection of its own, or panics.
    pub async fn get(&self, port: u16, path: &str) -> Response {
        self.send(port, &Request::get(path)).await
    }

    /// Opens a connection for HTTP/1.1 bytes of any kind.
    pub async fn raw(&self, port: u16) -> Raw {
        assert!(!self.http2, "raw bytes are HTTP/1.1");
        let (stream, _) = self.stream(port).await.unwrap_or_else(|Failure(causes)| panic!("no connection: {causes}"));
        Raw::new(stream)
    }

    /// A stream to the port on this host, and whether its TLS session was resumed.
    pub(super) async fn stream(&self, port: u16) -> Result<(Box<dyn Stream>, bool), Failure> {
        let connect = async {
            let tcp = TcpStream::connect(("127.0.0.1", port)).await?;
            tcp.set_nodelay(true)?;
            let Transport::Tls(tls) = &self.transport else {
                let stream: Box<dyn Stream> = Box::new(tcp);
                return Ok((stream, false));
            };
            let config = tls.config.get_or_init(|| tls.configure(self.http2));
            let name = ServerName::try_from(tls.server_name.clone()).expect("a server name");
            let stream = TlsConnector::from(Arc::clone(config)).connect(name, tcp).await?;
            let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
            let stream: Box<dyn Stream> = Box::new(stream);
            Ok((stream, resumed))
        };
        within("a connection", connect).await
    }
}

impl Tls {
    fn configure(&self, http2: bool) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone()).expect("an authority");
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(self.versions)
            .expect("protocol versions")
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            Some(Identity { der, key, .. }) => {
                // Not read here, so that a test can present one that rustls would not.
                let key = aws_lc_rs::sign::any_supported_type(key).expect("a key");
                config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(
                    vec![der.clone()],
                    key,
                ))))
            }
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![if http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        Arc::new(config)
    }
}

/// An open connection.
pub struct Connection {
    sender: Sender,
    resumed: bool,
    driver: JoinHandle<()>,
}

enum Sender {
    Http1(http1::SendRequest<Content>),
    Http2(http2::SendRequest<Content>),
}

impl Connection {
    /// Whether its TLS session is an earlier connection's, resumed.
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Sends a request, after whatever was sent before.
    pub async fn try_send(&mut self, request: &Request) -> Result<Response, Failure> {
        let exchange = async {
            let response = match &mut self.sender {
                Sender::Http1(sender) => {
                    sender.ready().await?;
                    sender.send_request(http1_request(request)).await?
                }
                Sender::Http2(sender) => {
                    sender.ready().await?;
                    sender.send_request(http2_request(request)).await?
                }
            };
            let (head, body) = response.into_parts();
            let body = body.collect().await?;
            Ok(Response {
                status: head.status.as_u16(),
                headers: Fields::from(&head.headers),
                trailers: body.trailers().map(Fields::from).unwrap_or_default(),
                body: body.to_bytes().to_vec(),
            })
        };
        within("a response", exchange).await
    }

    /// Sends a request, or panics.
    pub async fn send(&mut self, request: &Request) -> Response {
        let outcome = self.try_send(request).await;
        outcome.unwrap_or_else(|Failure(causes)| panic!("no response to {} {}: {causes}", request.method, request.path))
    }

    /// Gets a path, or panics.
    pub async fn get(&mut self, path: &str) -> Response {
        self.send(&Request::get(path)).await
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

fn http1_request(request: &Request) -> hyper::Request<Content> {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, value(&request.authority));
    if !request.trailers.0.is_empty() {
        // hyper sends only trailers that were announced.
        headers.extend(request.trailers.names().map(|name| (TRAILER, value(name))));
    }
    assemble(request, &request.path, headers)
}

pub(super) fn http2_request(request: &Request) -> hyper::Request<Content> {
    assemble(request, &format!("https://{}{}", request.authority, request.path), HeaderMap::new())
}

fn assemble(request: &Request, uri: &str, mut headers: HeaderMap) -> hyper::Request<Content> {
    headers.extend(header_map(&request.headers));
    let mut assembled = hyper::Request::new(Content::of(request));
    *assembled.method_mut() = request.method.clone();
    *assembled.uri_mut() = uri.parse().unwrap_or_else(|_| panic!("{uri} cannot be sent like this: use `raw`"));
    *assembled.headers_mut() = headers;
    assembled
}

/// A request's body. With trailers it does not tell its length: over HTTP/1.1 only a body in chunks can have any, and a
/// proxy that is told the length does not send chunks.
pub(super) struct Content {
    data: Option<Bytes>,
    trailers: Option<HeaderMap>,
    /// It never ends.
    pub(super) endless: bool,
}

impl Content {
    fn of(request: &Request) -> Self {
        let Request { body, trailers, .. } = request;
        Self {
            data: (!body.is_empty()).then(|| Bytes::from(body.clone())),
            trailers: (!trailers.0.is_empty()).then(|| header_map(trailers)),
            endless: false,
        }
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = match self.data.take() {
            Some(data) => Some(Frame::data(data)),
            None if self.endless => return Poll::Pending,
            None => self.trailers.take().map(Frame::trailers),
        };
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.trailers.is_none() && !self.endless
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.data, &self.trailers) {
            _ if self.endless => SizeHint::default(),
            (_, Some(_)) => SizeHint::default(),
            (data, None) => SizeHint::with_exact(u64::try_from(data.as_ref().map_or(0, Bytes::len)).expect("a length")),
        }
    }
}

fn header_map(fields: &Fields) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, text) in &fields.0 {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name; others can be sent with `raw`");
        map.append(name, value(text));
    }
    map
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_bytes(&bytes(text)).expect("a header value; others can be sent with `raw`")
}
