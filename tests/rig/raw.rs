//! A connection on which a test writes HTTP/1.1 byte by byte, as no well-behaved client would.

use super::client::Stream;
use super::http1::{read_body, read_head};
use super::request::Response;
use super::wait::within;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};

/// An open connection for bytes.
pub struct Raw {
    stream: BufReader<Box<dyn Stream>>,
}

impl Raw {
    /// On this stream.
    pub fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// Writes these bytes.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        within("bytes to be sent", async {
            self.stream.write_all(bytes.as_ref()).await.expect("an open connection");
            self.stream.flush().await.expect("an open connection");
        })
        .await;
    }

    /// Reads a response, its header lines in order and as written. After a 101, [`Self::read`] goes on.
    pub async fn response(&mut self) -> Response {
        self.try_response().await.expect("a response before the connection ends")
    }

    /// Reads a response; `None` if the connection ends instead.
    pub async fn try_response(&mut self) -> Option<Response> {
        self.read_response(false).await
    }

    /// Makes a WebSocket of the connection.
    pub async fn websocket(&mut self, path: &str) {
        let upgrade = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        assert_eq!(self.exchange(upgrade).await.status, 101);
    }

    /// Asks for a tunnel to this authority. After a 200, everything else goes through it.
    pub async fn tunnel(&mut self, authority: &str) -> Response {
        self.write(format!("CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n\r\n")).await;
        self.read_response(true).await.expect("a response before the connection ends")
    }

    async fn read_response(&mut self, to_connect: bool) -> Option<Response> {
        let read = async {
            let head = read_head(&mut self.stream).await.ok()??;
            let status = head.start.split(' ').nth(1)?.parse().ok()?;
            let bodiless = status < 200 || status == 204 || status == 304 || (to_connect && status == 200);
            let body = read_body(&mut self.stream, &head.headers, !bodiless).await.ok()?;
            Some(Response { status, headers: head.headers, body: body.bytes, trailers: body.trailers })
        };
        within("a response", read).await
    }

    /// Writes these bytes and reads the response to them.
    pub async fn exchange(&mut self, bytes: impl AsRef<[u8]>) -> Response {
        self.write(bytes).await;
        self.response().await
    }

    /// Waits until the other side has ended the connection.
    pub async fn ended(&mut self) {
        let mut bytes = Vec::new();
        // Where it is reset, it has ended too.
        let _ = within("the end of a connection", self.stream.read_to_end(&mut bytes)).await;
    }

    /// Reads so many bytes.
    pub async fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        within("bytes to be received", self.stream.read_exact(&mut bytes)).await.expect("an open connection");
        bytes
    }
}
