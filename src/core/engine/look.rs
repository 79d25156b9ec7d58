//! The first thing done with a request: what it claims, seen without believing it, and taken off it.

use super::Engine;
use super::host::{Headers, HostFailure};
use super::reply::Protocol;
use super::token::Authorization;
use crate::domain::headers::{OwnedHeaders, XFCC};
use crate::domain::identity::Source;
use crate::domain::route::Target;

/// What one pass over a request's headers shows.
pub(super) struct Look<'h> {
    /// What it speaks.
    pub(super) protocol: Protocol,
    /// What it asks for.
    pub(super) target: Target<'h>,
    /// What it says in [`XFCC`], line by line, if anybody is believed there.
    pub(super) forwarded: Vec<&'h [u8]>,
    /// The request's `Authorization`, read if any rule has `bound_token`.
    pub(super) authorization: Authorization<'h>,
    /// It has a header with a name that is certgate's own.
    pub(super) claims: bool,
    /// It asks the next hop to drop such a header.
    nominates: bool,
}

impl<'h> Look<'h> {
    fn at(headers: impl Iterator<Item = (&'h [u8], &'h [u8])>, owned: &OwnedHeaders, relayed: bool) -> Self {
        let mut look = Self {
            protocol: Protocol::Http,
            target: Target::default(),
            forwarded: Vec::new(),
            authorization: Authorization::Absent,
            claims: false,
            nominates: false,
        };
        for (name, value) in headers {
            match name {
                [b':', ..] => match name {
                    b":method" => look.target.method = value,
                    b":authority" => look.target.authority = value,
                    b":path" => look.target.path = value,
                    _ => {}
                },
                b"content-type" => look.protocol = Protocol::of(value),
                b"connection" => look.nominates |= options(value).any(|option| owned.owns(option)),
                name if owned.owns(name) => match is_proxys(name) {
                    false => look.claims = true,
                    true if relayed => look.forwarded.push(value),
                    true => {}
                },
                _ => {}
            }
        }
        look
    }
}

impl Engine {
    /// Looks at the request with these headers and takes off it what only certgate may say.
    pub(super) fn look<'h>(
        &self,
        host: &impl Headers,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone,
    ) -> (Look<'h>, Result<(), HostFailure>) {
        let mut look = Look::at(headers.clone(), &self.owned, matches!(self.policy.identity.source, Source::Xfcc(_)));
        if self.binds_tokens {
            let lines = headers.clone().filter(|(name, _)| *name == b"authorization");
            look.authorization = lines.fold(Authorization::Absent, |all, (_, line)| all.and(line));
        }
        let mut stripped = Ok(());
        if look.claims {
            let names = headers.clone().map(|(name, _)| name).filter(|name| !is_proxys(name));
            stripped = strip(&self.owned, host, names);
        }
        if look.nominates && stripped.is_ok() {
            stripped = self.keep_from_next_hop(host, headers);
        }
        (look, stripped)
    }

    /// Takes the owned names out of `Connection` (RFC 9110 section 7.6.1): a next hop that honours it would drop what
    /// certgate is about to say. Envoy passes the header on with upgrades.
    fn keep_from_next_hop<'h>(
        &self,
        host: &impl Headers,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
    ) -> Result<(), HostFailure> {
        let lines = headers.filter(|(name, _)| *name == b"connection");
        let kept: Vec<_> =
            lines.flat_map(|(_, value)| options(value)).filter(|option| !self.owned.owns(option)).collect();
        match kept.is_empty() {
            true => host.remove(b"connection"),
            false => host.set("connection", &kept.join(&b", "[..])),
        }
    }
}

/// Whether this is [`XFCC`] as a proxy writes it: the listener's settings and the relays' rules decide about such a
/// header. An upstream may read another spelling as the same name, and no proxy writes one.
fn is_proxys(name: &[u8]) -> bool {
    name == XFCC.as_bytes()
}

/// Removes every header or trailer with a name that only certgate may use, in whatever spelling.
pub fn strip<'h>(
    owned: &OwnedHeaders,
    headers: &impl Headers,
    names: impl Iterator<Item = &'h [u8]>,
) -> Result<(), HostFailure> {
    names.filter(|name| owned.owns(name)).try_for_each(|name| headers.remove(name))
}

/// The elements of a comma-separated header value.
fn options(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|option| !option.is_empty())
}
