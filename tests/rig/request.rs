//! A request to send, and the response that came.

use super::echo::Echo;
use super::fields::Fields;
use hyper::Method;
use serde_json::Value;
use std::fmt;

/// A request. Names and values are Latin-1 text, see [`super::fields`].
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// The `Host` header or `:authority`.
    pub authority: String,
    /// More header lines.
    pub headers: Fields,
    /// The body.
    pub body: Vec<u8>,
    /// The trailer lines.
    pub trailers: Fields,
}

impl Request {
    /// A request for `https://localhost` and this path.
    pub fn new(method: Method, path: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            authority: "localhost".to_owned(),
            headers: Fields::default(),
            body: Vec::new(),
            trailers: Fields::default(),
        }
    }

    /// A `GET` of this path.
    pub fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    /// A `POST` of this body to this path.
    pub fn post(path: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::new(Method::POST, path) }
    }

    /// For this host instead.
    pub fn authority(mut self, authority: &str) -> Self {
        authority.clone_into(&mut self.authority);
        self
    }

    /// With one more header line.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With one more trailer line.
    pub fn trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers.0.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A response.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header lines; in order as they came only from [`super::raw::Raw`], else with lines of one name side by side.
    pub headers: Fields,
    /// The body.
    pub body: Vec<u8>,
    /// The trailer lines.
    pub trailers: Fields,
}

/// The body as text, for people.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {:?} {body:?} {:?}", self.status, self.headers.0, self.trailers.0)
    }
}

impl Response {
    /// The value of the only header line with this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// What the upstream received. Panics if it was not an upstream that answered.
    pub fn echo(&self) -> Echo {
        assert_eq!(self.status, 200, "no upstream answered: {self:?}");
        Echo::from_json(&self.json())
    }
}
