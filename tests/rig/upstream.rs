//! An upstream that answers every request with what it received, and remembers it.

use super::echo::Echo;
use super::fields::{Fields, bytes, latin1};
use super::http1::{Head, read_body, read_head};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// A request that says so with this header, in milliseconds, is answered that much later.
pub const DELAY: &str = "x-echo-delay-ms";

/// An echoing server on this host. It speaks HTTP/1.1, WebSocket bytes after an upgrade, and HTTP/2 without TLS, and runs
/// on a thread of its own, so that a busy test cannot keep it from answering.
pub struct Upstream {
    port: u16,
    state: Arc<State>,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

struct State {
    name: String,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    received: Vec<Echo>,
    response_headers: Vec<(String, String)>,
    redirects: Vec<(String, String)>,
}

impl Upstream {
    /// Starts one with this name on a free port.
    pub fn start(name: &str) -> Self {
        Self::start_on(name, 0).expect("a free port")
    }

    /// Starts one with this name on this port.
    pub fn start_on(name: &str, port: u16) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", port))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(State { name: name.to_owned(), memory: Mutex::default() });
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    _ = stopped => {}
                    () = accept(listener, serving) => {}
                }
            });
        });
        Ok(Self { port, state, running: Some((stop, thread)) })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many requests reached it.
    pub fn count(&self) -> usize {
        self.state.memory().received.len()
    }

    /// The requests that reached it, in order.
    pub fn received(&self) -> Vec<Echo> {
        self.state.memory().received.clone()
    }

    /// The requests that reached it since this was called last, forgotten here.
    pub fn take(&self) -> Vec<Echo> {
        std::mem::take(&mut self.state.memory().received)
    }

    /// Sends this header line in every response from now on.
    pub fn add_response_header(&self, name: &str, value: &str) {
        self.state.memory().response_headers.push((name.to_owned(), value.to_owned()));
    }

    /// Answers requests for this path with a redirect to this URL from now on.
    pub fn redirect(&self, path: &str, to: &str) {
        self.state.memory().redirects.push((path.to_owned(), to.to_owned()));
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            drop(thread.join());
        }
    }
}

/// A status, header lines and a body to answer with.
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl State {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().expect("no panic while remembering")
    }

    /// Remembers a request and says how to answer it, when it is time to.
    async fn answer(&self, echo: Echo) -> Answer {
        let delay = echo.headers.get(DELAY).map(|text| Duration::from_millis(text.parse().expect("milliseconds")));
        let answer = {
            let mut memory = self.memory();
            let mut headers = memory.response_headers.clone();
            let redirect = memory.redirects.iter().find(|(path, _)| *path == echo.path).map(|(_, to)| to.clone());
            let (status, body) = match redirect {
                Some(to) => {
                    headers.push(("location".to_owned(), to));
                    (302, Vec::new())
                }
                None => {
                    headers.push(("content-type".to_owned(), "application/json".to_owned()));
                    (200, echo.to_json().to_string().into_bytes())
                }
            };
            memory.received.push(echo);
            Answer { status, headers, body }
        };
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
        answer
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let state = Arc::clone(&state);
        // What goes wrong on a connection is the other end's affair: Envoy closes idle ones when it likes.
        tokio::spawn(async { drop(serve(stream, state).await) });
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    if stream.fill_buf().await?.starts_with(b"PRI * HTTP/2.0") {
        let service = service_fn(move |request| {
            let state = Arc::clone(&state);
            async move { Ok::<_, Infallible>(respond_http2(request, &state).await) }
        });
        let served = http2::Builder::new(TokioExecutor::new())
            .max_header_list_size(8 << 20)
            .serve_connection(TokioIo::new(stream), service)
            .await;
        return served.map_err(io::Error::other);
    }
    while let Some(head) = read_head(&mut stream).await? {
        if head.headers.get("upgrade").is_some() {
            return upgrade(&head, stream, &state).await;
        }
        let body = read_body(&mut stream, &head.headers, false).await?;
        let echo = http1_echo(&state.name, &head, body.bytes.len(), body.trailers);
        let head_only = echo.method == "HEAD";
        let Answer { status, headers, body } = state.answer(echo).await;
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("HTTP/1.1 {status} Echo\r\n{lines}content-length: {}\r\n\r\n", body.len());
        let mut response = bytes(&head);
        if !head_only {
            response.extend(body);
        }
        stream.write_all(&response).await?;
    }
    Ok(())
}

/// Accepts an upgrade and sends back every byte that comes.
async fn upgrade(head: &Head, mut stream: BufReader<TcpStream>, state: &State) -> io::Result<()> {
    let echo = http1_echo(&state.name, head, 0, Fields::default());
    let protocol = echo.headers.get("upgrade").unwrap_or_default().to_owned();
    state.answer(echo).await;
    let response = format!("HTTP/1.1 101 Echo\r\nupgrade: {protocol}\r\nconnection: upgrade\r\n\r\n");
    stream.write_all(response.as_bytes()).await?;
    loop {
        let received = stream.fill_buf().await?.to_vec();
        if received.is_empty() {
            return Ok(());
        }
        stream.consume(received.len());
        stream.write_all(&received).await?;
    }
}

fn http1_echo(upstream: &str, head: &Head, body_length: usize, trailers: Fields) -> Echo {
    let mut start = head.start.splitn(2, ' ');
    let method = start.next().unwrap_or_default().to_owned();
    let target = start.next().unwrap_or_default();
    Echo {
        upstream: upstream.to_owned(),
        version: "HTTP/1.1".to_owned(),
        method,
        path: target.strip_suffix(" HTTP/1.1").unwrap_or(target).to_owned(),
        authority: head.headers.all("host").join(", "),
        headers: head.headers.clone(),
        trailers,
        body_length: length(body_length),
    }
}

async fn respond_http2(request: hyper::Request<Incoming>, state: &State) -> hyper::Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await;
    let (trailers, body_length) = match body {
        Ok(body) => (body.trailers().map(Fields::from).unwrap_or_default(), body.to_bytes().len()),
        Err(_) => (Fields::default(), 0),
    };
    let echo = Echo {
        upstream: state.name.clone(),
        version: "HTTP/2".to_owned(),
        method: head.method.to_string(),
        path: head.uri.path_and_query().map(|path| latin1(path.as_str().as_bytes())).unwrap_or_default(),
        authority: head.uri.authority().map(ToString::to_string).unwrap_or_default(),
        headers: Fields::from(&head.headers),
        trailers,
        body_length: length(body_length),
    };
    let Answer { status, headers, body } = state.answer(echo).await;
    let mut response = hyper::Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status.try_into().expect("a status");
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        response.headers_mut().append(name, HeaderValue::from_bytes(&bytes(&value)).expect("a header value"));
    }
    response
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("a length")
}
