//! HTTP/2 on the crate that hyper builds on, without what hyper adds.

use super::{AUTHORITY, HEADERS, PATH};
use anyhow::Result;
use h2::client::SendRequest;
use hyper::body::Bytes;
use hyper::{Request, Version};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// An open connection.
pub(super) struct Connection {
    sender: SendRequest<Bytes>,
    request: Request<()>,
}

impl Connection {
    /// On this stream. Must be called where tasks can be spawned.
    pub(super) async fn new(stream: TlsStream<TcpStream>) -> Result<Self> {
        let (sender, driver) = h2::client::handshake(stream).await?;
        // It ends with the sender; its errors are the exchanges' too.
        tokio::spawn(async { drop(driver.await) });
        let mut request = Request::builder().version(Version::HTTP_2).uri(format!("https://{AUTHORITY}{PATH}"));
        for (name, value) in HEADERS {
            request = request.header(name, value);
        }
        Ok(Self { sender, request: request.body(())? })
    }

    /// Sends the request and reads the answer; its status.
    pub(super) async fn exchange(&mut self) -> Result<u16> {
        let mut sender = self.sender.clone().ready().await?;
        let (response, _) = sender.send_request(self.request.clone(), true)?;
        let (head, mut body) = response.await?.into_parts();
        while let Some(piece) = body.data().await {
            body.flow_control().release_capacity(piece?.len())?;
        }
        Ok(head.status.as_u16())
    }
}
