//! The head of a request: its headers, read in one pass. Nothing in it is evidence of the caller.

use super::reply::Protocol;
use super::token::Authorization;
use crate::domain::headers::{OwnedHeaders, XFCC};
use crate::domain::route::Target;

/// The headers of a request that the engine needs.
pub struct RequestHead<'h> {
    /// The protocol of the reply.
    pub(super) protocol: Protocol,
    /// The method, the authority and the path.
    pub(super) target: Target<'h>,
    /// The lines of [`XFCC`], if the policy trusts relays.
    pub(super) xfcc: Vec<&'h [u8]>,
    /// `Authorization`, if a rule has `bound_token`.
    pub(super) authorization: Authorization<'h>,
    /// Whether any header has a name that only certgate may set.
    pub(super) has_owned_headers: bool,
    /// Whether `Connection` has such a name.
    pub(super) names_owned_in_connection: bool,
}

impl<'h> RequestHead<'h> {
    /// The head with these headers, without `Authorization`.
    pub(super) fn read(
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
        owned: &OwnedHeaders,
        reads_xfcc: bool,
    ) -> Self {
        let mut head = Self {
            protocol: Protocol::Http,
            target: Target::default(),
            xfcc: Vec::new(),
            authorization: Authorization::Absent,
            has_owned_headers: false,
            names_owned_in_connection: false,
        };
        for (name, value) in headers {
            match name {
                [b':', ..] => match name {
                    b":method" => head.target.method = value,
                    b":authority" => head.target.authority = value,
                    b":path" => head.target.path = value,
                    _ => {}
                },
                b"content-type" => head.protocol = Protocol::of(value),
                b"connection" => {
                    head.names_owned_in_connection |= elements(value).any(|element| owned.owns(element));
                }
                name if owned.owns(name) => match is_proxys(name) {
                    false => head.has_owned_headers = true,
                    true if reads_xfcc => head.xfcc.push(value),
                    true => {}
                },
                _ => {}
            }
        }
        head
    }
}

/// Whether this is the name [`XFCC`] as a proxy writes it. The listener's settings and the relays' rules decide about such
/// a header. No proxy writes another spelling, which an upstream may read as the same name.
pub(super) fn is_proxys(name: &[u8]) -> bool {
    name == XFCC.as_bytes()
}

/// The elements of a comma-separated header value.
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}
