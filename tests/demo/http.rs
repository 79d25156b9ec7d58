//! A client of HTTP/1.1 that keeps its connection: over TLS to the listener, and without TLS to Envoy's administration.

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

/// The longest time for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection.
pub(crate) struct Connection<S> {
    stream: BufReader<S>,
}

/// Names in lower case with their values, in the order of the answer.
type Headers = Vec<(String, String)>;

/// An answer.
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: Headers,
    /// The body.
    pub(crate) body: String,
}

impl Answer {
    /// The value of the header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl Connection<TcpStream> {
    /// A connection without TLS.
    pub(crate) fn plain(address: impl ToSocketAddrs) -> Result<Self, Box<dyn Error>> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }
}

impl Connection<StreamOwned<ClientConnection, TcpStream>> {
    /// A connection with TLS to `localhost`.
    pub(crate) fn tls(port: u16, config: Arc<ClientConfig>) -> Result<Self, Box<dyn Error>> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let tls = ClientConnection::new(config, ServerName::try_from("localhost")?)?;
        Ok(Self { stream: BufReader::new(StreamOwned::new(tls, stream)) })
    }
}

impl<S: Read + Write> Connection<S> {
    /// The answer to a `GET` of this path with these headers.
    pub(crate) fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Result<Answer, Box<dyn Error>> {
        let mut request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n");
        headers.iter().for_each(|(name, value)| request.push_str(&format!("{name}: {value}\r\n")));
        request.push_str("\r\n");
        let stream = self.stream.get_mut();
        stream.write_all(request.as_bytes())?;
        stream.flush()?;
        let (status, headers) = self.head()?;
        let mut answer = Answer { status, headers, body: String::new() };
        answer.body = self.body(&answer)?;
        Ok(answer)
    }

    fn head(&mut self) -> Result<(u16, Headers), Box<dyn Error>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if self.stream.read_until(b'\n', &mut head)? == 0 {
                return Err("the connection ended before the answer did".into());
            }
        }
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        response.parse(&head)?;
        let pair = |header: &httparse::Header<'_>| {
            (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned())
        };
        Ok((response.code.unwrap_or_default(), response.headers.iter().map(pair).collect()))
    }

    fn body(&mut self, answer: &Answer) -> Result<String, Box<dyn Error>> {
        let mut body = Vec::new();
        if answer.header("transfer-encoding") == Some("chunked") {
            loop {
                let length = self.line()?;
                let length = usize::from_str_radix(length.trim(), 16)?;
                body.extend(self.bytes(length)?);
                self.line()?;
                if length == 0 {
                    break;
                }
            }
        } else {
            body = self.bytes(answer.header("content-length").unwrap_or("0").parse()?)?;
        }
        Ok(String::from_utf8(body)?)
    }

    fn line(&mut self) -> Result<String, Box<dyn Error>> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line)
    }

    fn bytes(&mut self, length: usize) -> Result<Vec<u8>, Box<dyn Error>> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
