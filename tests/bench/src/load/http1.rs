//! HTTP/1.1 with as little work as possible, so that who calls is never what is waited for.

use super::{AUTHORITY, HEADERS, PATH};
use anyhow::{Context, Result, bail, ensure};
use httparse::{EMPTY_HEADER, Response, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// More header lines than any answer has.
const LINES: usize = 32;

/// An open connection.
pub(super) struct Connection {
    stream: TlsStream<TcpStream>,
    request: Vec<u8>,
    /// The answer, as far as it has come.
    answer: Vec<u8>,
}

impl Connection {
    /// On this stream.
    pub(super) fn new(stream: TlsStream<TcpStream>) -> Self {
        let lines: String = HEADERS.map(|(name, value)| format!("{name}: {value}\r\n")).concat();
        let request = format!("GET {PATH} HTTP/1.1\r\nhost: {AUTHORITY}\r\n{lines}\r\n").into_bytes();
        Self { stream, request, answer: Vec::with_capacity(4096) }
    }

    /// Sends the request and reads the answer; its status.
    pub(super) async fn exchange(&mut self) -> Result<u16> {
        self.stream.write_all(&self.request).await?;
        self.stream.flush().await?;
        self.answer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.answer).await?;
            ensure!(read > 0, "the connection ended before the answer did");
            if let Some((status, length)) = parse(&self.answer)? {
                match self.answer.len().checked_sub(length) {
                    Some(0) => return Ok(status),
                    Some(_) => bail!("more bytes than the answer has"),
                    None => {}
                }
            }
        }
    }
}

/// The status and the length of the whole answer, once its head is there.
fn parse(bytes: &[u8]) -> Result<Option<(u16, usize)>> {
    let mut headers = [EMPTY_HEADER; LINES];
    let mut response = Response::new(&mut headers);
    let Status::Complete(head) = response.parse(bytes)? else { return Ok(None) };
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length: usize = std::str::from_utf8(length.context("an answer without a length")?.value)?.parse()?;
    Ok(Some((response.code.context("an answer without a status")?, head + length)))
}
