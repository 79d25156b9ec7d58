//! Replies: problem details (RFC 9457), or a gRPC status for gRPC requests. All refusals for identity are the same to the
//! last byte, so that a caller does not learn the reason.

use crate::domain::decision::{Decision, Reason};
use crate::domain::limit::Limit;
use std::borrow::Cow;

/// The protocol of a request, which the form of its reply follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Anything over HTTP.
    Http,
    /// gRPC. Envoy turns the reply into trailers with a gRPC status.
    Grpc,
}

impl Protocol {
    /// The protocol of a request with this `content-type`, by the test that Envoy makes when it replies for a filter.
    pub(super) fn of(content_type: &[u8]) -> Self {
        match content_type.strip_prefix(b"application/grpc") {
            Some([] | [b'+', ..]) => Self::Grpc,
            _ => Self::Http,
        }
    }
}

/// One reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status, which Envoy does not use in a reply to a gRPC request.
    pub status: u32,
    /// The gRPC status for a gRPC request.
    pub grpc_status: Option<i32>,
    /// Names and values.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body; for gRPC, the status message.
    pub body: Cow<'static, str>,
}

const NO_STORE: (&str, Cow<'static, str>) = ("cache-control", Cow::Borrowed("no-store"));
const PROBLEM: (&str, Cow<'static, str>) = ("content-type", Cow::Borrowed("application/problem+json"));

/// The reply to a request that is refused or cannot be decided. It says no more than that.
pub(super) fn refused(protocol: Protocol, reason: Reason) -> Reply {
    // gRPC's PERMISSION_DENIED and UNAVAILABLE.
    let (status, grpc_status, message, problem) = match (reason, reason.decision()) {
        (Reason::Misdirected, _) => {
            (421, 14, "unavailable", r#"{"type":"about:blank","title":"Misdirected Request","status":421}"#)
        }
        (_, Decision::Error) => {
            (503, 14, "unavailable", r#"{"type":"about:blank","title":"Service Unavailable","status":503}"#)
        }
        _ => (403, 7, "permission denied", r#"{"type":"about:blank","title":"Forbidden","status":403}"#),
    };
    Reply::new(protocol, status, grpc_status, message.into(), problem.into())
}

/// The reply to a client that has exceeded these limits: 429 (RFC 6585 section 4) after `retry_after` seconds, with `Retry-After`
/// (RFC 9110 section 10.2.3).
pub(super) fn throttled(
    protocol: Protocol,
    retry_after: u64,
    exceeded: &[&Limit],
    rate_limit: &[(&'static str, &str)],
) -> Reply {
    let names: Vec<_> = exceeded.iter().map(|limit| limit.name.as_str()).collect();
    let message = format!("limit exceeded: {}", names.join(", "));
    // Names need no escaping in JSON; see `domain::name`.
    let problem = format!(
        r#"{{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Too Many Requests","status":429,"violated-policies":["{}"]}}"#,
        names.join(r#"",""#)
    );
    // gRPC's RESOURCE_EXHAUSTED.
    let mut reply = Reply::new(protocol, 429, 8, message.into(), problem.into());
    reply.headers.push(("retry-after", retry_after.to_string().into()));
    let fields = rate_limit.iter().map(|(name, value)| (*name, (*value).to_owned().into()));
    reply.headers.extend(fields);
    reply
}

impl Reply {
    fn new(protocol: Protocol, status: u32, grpc: i32, message: Cow<'static, str>, problem: Cow<'static, str>) -> Self {
        match protocol {
            Protocol::Http => Self { status, grpc_status: None, headers: vec![PROBLEM, NO_STORE], body: problem },
            Protocol::Grpc => Self { status, grpc_status: Some(grpc), headers: vec![NO_STORE], body: message },
        }
    }
}
