//! The headers that only certgate may set, taken off requests and trailers.

use super::host::{Headers, HostFailure};
use super::request_head::{RequestHead, elements, is_proxys};
use super::token::Authorization;
use crate::domain::headers::OwnedHeaders;
use crate::domain::identity::Source;
use crate::domain::policy::Policy;
use std::sync::Arc;

/// The headers that a policy sets and reads.
pub(super) struct HeaderPolicy {
    /// The names that only certgate may set.
    owned: Arc<OwnedHeaders>,
    /// Whether relays are trusted.
    reads_xfcc: bool,
    /// Whether any rule has `bound_token`.
    reads_authorization: bool,
    /// Whether any header for upstreams has contents of certificates.
    tells_contents: bool,
}

impl HeaderPolicy {
    /// The headers that this policy sets and reads.
    pub(super) fn new(policy: &Policy) -> Self {
        Self {
            owned: Arc::new(OwnedHeaders::new(&policy.headers)),
            reads_xfcc: matches!(policy.identity.source, Source::Xfcc(_)),
            reads_authorization: policy.rules.rules().iter().any(|rule| rule.bound_token),
            tells_contents: policy.headers.say_content(),
        }
    }

    /// The names that only certgate may set.
    pub(super) fn owned(&self) -> &Arc<OwnedHeaders> {
        &self.owned
    }

    /// Whether any header for upstreams has contents of certificates.
    pub(super) fn tells_contents(&self) -> bool {
        self.tells_contents
    }

    /// The head of the request with these headers.
    pub(super) fn read<'h>(&self, headers: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone) -> RequestHead<'h> {
        let mut head = RequestHead::read(headers.clone(), &self.owned, self.reads_xfcc);
        if self.reads_authorization {
            let lines = headers.filter(|(name, _)| *name == b"authorization");
            head.authorization = lines.fold(Authorization::Absent, |all, (_, line)| all.and(line));
        }
        head
    }

    /// Removes from the request the headers with owned names, and these names from `Connection`.
    pub(super) fn strip<'h>(
        &self,
        request: &impl Headers,
        head: &RequestHead<'_>,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone,
    ) -> Result<(), HostFailure> {
        if head.has_owned_headers {
            strip(&self.owned, request, headers.clone().map(|(name, _)| name).filter(|name| !is_proxys(name)))?;
        }
        if head.names_owned_in_connection { self.strip_connection(request, headers) } else { Ok(()) }
    }

    /// Removes owned names from `Connection` (RFC 9110 section 7.6.1). A next hop drops the headers that are named there,
    /// and Envoy passes `Connection` on with upgrades.
    fn strip_connection<'h>(
        &self,
        request: &impl Headers,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
    ) -> Result<(), HostFailure> {
        let lines = headers.filter(|(name, _)| *name == b"connection");
        let kept: Vec<_> =
            lines.flat_map(|(_, value)| elements(value)).filter(|element| !self.owned.owns(element)).collect();
        match kept.is_empty() {
            true => request.remove(b"connection"),
            false => request.set("connection", &kept.join(&b", "[..])),
        }
    }
}

/// Removes every header or trailer with a name that only certgate may set, in whatever spelling.
pub fn strip<'h>(
    owned: &OwnedHeaders,
    headers: &impl Headers,
    names: impl Iterator<Item = &'h [u8]>,
) -> Result<(), HostFailure> {
    names.filter(|name| owned.owns(name)).try_for_each(|name| headers.remove(name))
}
