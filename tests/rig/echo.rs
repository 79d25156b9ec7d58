//! What an upstream received, as it tells its caller and its test.

use super::fields::Fields;
use serde_json::{Value, json};

/// One request, as it reached an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    /// The name of the upstream that it reached.
    pub upstream: String,
    /// `HTTP/1.1` or `HTTP/2`.
    pub version: String,
    /// The method.
    pub method: String,
    /// The request target.
    pub path: String,
    /// The `Host` header or `:authority`.
    pub authority: String,
    /// The header lines; over HTTP/2, without pseudo-headers and with lines of one name side by side.
    pub headers: Fields,
    /// The trailer lines.
    pub trailers: Fields,
    /// The length of the body.
    pub body_length: u64,
}

impl Echo {
    /// As the upstream answers.
    pub fn to_json(&self) -> Value {
        json!({
            "upstream": self.upstream,
            "version": self.version,
            "method": self.method,
            "path": self.path,
            "authority": self.authority,
            "headers": self.headers.to_json(),
            "trailers": self.trailers.to_json(),
            "body_length": self.body_length,
        })
    }

    /// What [`Self::to_json`] wrote.
    pub fn from_json(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}")).to_owned();
        Self {
            upstream: text("upstream"),
            version: text("version"),
            method: text("method"),
            path: text("path"),
            authority: text("authority"),
            headers: Fields::from_json(&value["headers"]),
            trailers: Fields::from_json(&value["trailers"]),
            body_length: value["body_length"].as_u64().expect("a length"),
        }
    }
}
