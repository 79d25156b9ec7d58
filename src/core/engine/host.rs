//! The ports of the engine, as small traits, beside [`super::ledger`]. A filter implements them for its proxy, and a test
//! for a host in memory.

use crate::domain::cause::{Cause, Refusal};
use crate::domain::client::{ClientIndex, TierIndex};
use crate::domain::credential::CredentialIndex;
use crate::domain::decision::Reason;
use crate::domain::limit::Limit;
use crate::domain::time::{Nanos, UnixSeconds};
use crate::telemetry::audit_event::Event;

/// A call into the host that failed. Nothing can be concluded from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a call into the host failed: {0}")]
pub struct HostFailure(&'static str);

impl HostFailure {
    /// The failure with this description.
    pub const fn new(description: &'static str) -> Self {
        Self(description)
    }
}

/// A request cannot be decided without the host's answer.
impl From<HostFailure> for Refusal {
    fn from(_: HostFailure) -> Self {
        Cause::HostCallFailed.into()
    }
}

/// The certificate of the connection's other end.
pub trait Peer {
    /// SHA-256 of the leaf's DER form in lower-case hexadecimal; `None` where the host shows none.
    fn digest(&self) -> Result<Option<Vec<u8>>, HostFailure>;
    /// The leaf as text (see [`crate::certificate::der_from_text`]); `None` where the host shows none.
    fn certificate(&self) -> Result<Option<Vec<u8>>, HostFailure>;
    /// Whether the host has verified the certificate's chain on this connection. Envoy does not say so of resumed sessions.
    fn verified(&self) -> Result<bool, HostFailure>;
    /// The name that the connection was made for (RFC 6066 section 3); `None` if the client gave none.
    fn server_name(&self) -> Result<Option<Vec<u8>>, HostFailure>;
    /// `cnf.x5t#S256` of the token that was verified before certgate (RFC 8705 section 3.1); `None` if there is no such
    /// token, or it has none, or one that is not text.
    fn token_thumbprint(&self) -> Result<Option<Vec<u8>>, HostFailure>;
}

/// A request's headers, or its trailers.
pub trait Headers {
    /// Adds a line with this name. Where there is no line with the name, the result is that of [`Self::set`], and Envoy need
    /// not search for one.
    fn add(&self, name: &str, value: &[u8]) -> Result<(), HostFailure>;
    /// Replaces every line with this name by one.
    fn set(&self, name: &str, value: &[u8]) -> Result<(), HostFailure>;
    /// Removes every line with this name, spelled as the client did.
    fn remove(&self, name: &[u8]) -> Result<(), HostFailure>;
}

/// The two clocks.
pub trait Clock {
    /// The monotonic clock, the same for all workers.
    fn monotonic(&self) -> Result<Nanos, HostFailure>;
    /// The calendar.
    fn wall(&self) -> Result<UnixSeconds, HostFailure>;
}

/// The counters, the log and the filter state of a host. A host that cannot write one loses it: no decision depends on it.
///
/// A method with a default body is called only where a policy has decided: otherwise a request has no tier, no limits and
/// no certificate.
pub trait Telemetry {
    /// Counts a request that was decided: allowed, if there is no reason why not.
    fn decided(&self, reason: Option<Reason>, tier: Option<TierIndex>, client: Option<ClientIndex>);
    /// Counts a limit that did not hold what a request costs that counts in this tier.
    fn limit_exceeded(&self, _tier: Option<TierIndex>, _limit: &Limit) {}
    /// Counts a registered certificate that passed without its dates being known.
    fn dates_unchecked(&self) {}
    /// Shows `notAfter` of the certificate of this credential, which was parsed.
    fn parsed(&self, _credential: CredentialIndex, _not_after: UnixSeconds) {}
    /// Makes `value` readable for access logs as filter state `wasm.<key>`.
    fn filter_state(&self, key: &str, value: &str);
    /// Logs the event of a request that was decided with this reason, unless there are too many lines.
    fn log<'e>(&self, reason: Option<Reason>, event: impl FnOnce() -> Event<'e>);
}
