//! Requests for another host than the one their connection was made for (RFC 9110 section 7.4): a certificate that one host
//! asked for says nothing to another.

use super::Engine;
use super::host::Host;
use crate::domain::decision::Reason;
use crate::domain::route::host::canonical;

impl Engine {
    /// Security check: whether the authority is the server name (SNI) of the connection, if the connection has one.
    #[inline(never)]
    pub(super) fn check_sni(&self, host: &impl Host, authority: &[u8]) -> Result<(), Reason> {
        let Some(name) = host.server_name()? else { return Ok(()) };
        let (asked, made_for) = (canonical(authority), canonical(&name));
        (asked.is_some() && asked == made_for).then_some(()).ok_or(Reason::Misdirected)
    }
}
