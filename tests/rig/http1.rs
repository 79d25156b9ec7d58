//! HTTP/1.1 messages as they are on the wire, for both sides: nothing is normalised, reordered or merged.

use super::fields::{Fields, latin1};
use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// A start line and the header lines after it.
#[derive(Debug)]
pub struct Head {
    /// The request or status line, without its end.
    pub start: String,
    /// The header lines.
    pub headers: Fields,
}

/// What follows a head.
#[derive(Debug, Default)]
pub struct Body {
    /// The content, without any chunk framing.
    pub bytes: Vec<u8>,
    /// The trailer lines.
    pub trailers: Fields,
}

/// Reads a head; `None` at the end of the connection.
pub async fn read_head(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Head>> {
    let Some(start) = read_line(reader).await? else {
        return Ok(None);
    };
    Ok(Some(Head { start, headers: read_fields(reader).await? }))
}

/// Reads the body that belongs to a head with these headers. `to_the_end`: it is a response, which without a length goes
/// on until the connection ends.
pub async fn read_body(
    reader: &mut (impl AsyncBufRead + Unpin),
    headers: &Fields,
    to_the_end: bool,
) -> io::Result<Body> {
    let mut body = Body::default();
    if headers.get("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        loop {
            let line = read_line(reader).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| invalid(&line))?;
            if size == 0 {
                break;
            }
            let start = body.bytes.len();
            body.bytes.resize(start + size, 0);
            reader.read_exact(&mut body.bytes[start..]).await?;
            read_line(reader).await?;
        }
        body.trailers = read_fields(reader).await?;
    } else if let Some(length) = headers.get("content-length") {
        body.bytes.resize(length.parse().map_err(|_| invalid(length))?, 0);
        reader.read_exact(&mut body.bytes).await?;
    } else if to_the_end {
        reader.read_to_end(&mut body.bytes).await?;
    }
    Ok(body)
}

async fn read_fields(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Fields> {
    let mut fields = Fields::default();
    loop {
        let line = read_line(reader).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            return Ok(fields);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| invalid(&line))?;
        fields.0.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
    }
}

/// A line without its end; `None` at the end of the connection.
async fn read_line(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if reader.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    let line = line.strip_suffix(b"\r\n").ok_or_else(|| invalid(&latin1(&line)))?;
    Ok(Some(latin1(line)))
}

fn invalid(line: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not HTTP/1.1: {line:?}"))
}
