//! HTTP/2 streams that stay open.

use super::client::{Caller, Content, Failure, http2_request};
use super::request::Request;
use super::wait::within;
use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::JoinSet;

/// An open stream, alone on its connection.
pub struct Open {
    sender: SendRequest<Content>,
    _response: Option<Response<Incoming>>,
    /// Its connection, and its answer, if there is any: they end with it.
    tasks: JoinSet<()>,
}

impl Open {
    /// Sends a request and takes nothing of its response's body: a window of 0.
    pub async fn that_cannot_be_answered(caller: &Caller, port: u16, request: &Request) -> Self {
        let mut open = Self::connect(caller, port, 0).await;
        let response = within("a response's headers", open.sender.send_request(http2_request(request))).await;
        open._response = Some(response.expect("a response"));
        open
    }

    /// Sends a request whose body does not end.
    pub async fn without_end(caller: &Caller, port: u16, request: &Request) -> Self {
        let mut open = Self::connect(caller, port, 1 << 16).await;
        let mut endless = http2_request(request);
        endless.body_mut().endless = true;
        let answer = open.sender.send_request(endless);
        open.tasks.spawn(async { drop(answer.await) });
        // What is answered came after it.
        let next = open.sender.send_request(http2_request(&Request::get("/")));
        within("a response", next).await.expect("a response");
        open
    }

    /// Waits until its answer is there or its stream has ended, whichever comes first.
    pub async fn ended(&mut self) {
        within("the end of a stream", self.tasks.join_next()).await;
    }

    /// Whether it has had no answer and no end.
    pub fn is_unanswered(&mut self) -> bool {
        self.is_open() && self.tasks.try_join_next().is_none()
    }

    /// Whether its connection is.
    pub fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    async fn connect(caller: &Caller, port: u16, window: u32) -> Self {
        let caller = caller.clone().http2();
        let (stream, _) = caller.stream(port).await.unwrap_or_else(|Failure(causes)| panic!("no connection: {causes}"));
        let handshake = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(window)
            .handshake(TokioIo::new(stream))
            .await;
        let (sender, driver) = handshake.expect("HTTP/2");
        let mut tasks = JoinSet::new();
        tasks.spawn(async { drop(driver.await) });
        Self { sender, _response: None, tasks }
    }
}
