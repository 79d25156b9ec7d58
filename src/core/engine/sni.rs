//! Requests for another host than the one their connection was made for (RFC 9110 section 7.4). A certificate that was
//! presented to one host says nothing to another.

use super::host::Peer;
use crate::domain::cause::{Cause, Refusal};
use crate::domain::route::host::canonical;

/// Security check: whether the authority is the server name (SNI) of the connection, if the connection has one.
#[inline(never)]
pub(super) fn check_sni(peer: &impl Peer, authority: &[u8]) -> Result<(), Refusal> {
    let Some(server_name) = peer.server_name()? else { return Ok(()) };
    let (authority, server_name) = (canonical(authority), canonical(&server_name));
    (authority.is_some() && authority == server_name).then_some(()).ok_or(Cause::HostNotServerName.into())
}
