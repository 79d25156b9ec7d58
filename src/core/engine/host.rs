//! What the engine needs from its host, as small traits: the host is an Envoy worker in `filter` and a fake in
//! [`super::fakes`]. Nothing here says how a host does it.

use super::ledger::Ledger;
use crate::domain::client::{ClientIndex, TierIndex};
use crate::domain::credential::CredentialIndex;
use crate::domain::decision::Reason;
use crate::domain::limit::Limit;
use crate::domain::time::{Nanos, UnixSeconds};
use crate::telemetry::audit_event::Event;

/// A call into the host ended in a way that its contract does not know: nothing can be concluded from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a call into the host failed: {0}")]
pub struct HostFailure(&'static str);

impl HostFailure {
    /// The failure that the host describes so.
    pub const fn new(description: &'static str) -> Self {
        Self(description)
    }
}

/// A request that the host leaves without an answer cannot be decided.
impl From<HostFailure> for Reason {
    fn from(_: HostFailure) -> Self {
        Self::Internal
    }
}

/// The certificate of the connection's other end.
pub trait Peer {
    /// SHA-256 of the leaf's DER form in lower-case hexadecimal; `None` where the host shows none.
    fn digest(&self) -> Result<Option<Vec<u8>>, HostFailure>;
    /// The leaf as text (see [`crate::certificate::der_from_text`]); `None` where the host shows none.
    fn certificate(&self) -> Result<Option<Vec<u8>>, HostFailure>;
    /// Whether the host says that it has verified the certificate's chain on this connection; of a resumed session it may not.
    fn verified(&self) -> Result<bool, HostFailure>;
    /// The name that the connection was made for (RFC 6066 section 3); `None` if the client gave none.
    fn server_name(&self) -> Result<Option<Vec<u8>>, HostFailure>;
    /// `cnf.x5t#S256` of the token that was verified before certgate (RFC 8705 section 3.1); `None` if there is no such
    /// token, or it has none, or one that is not text.
    fn token_thumbprint(&self) -> Result<Option<Vec<u8>>, HostFailure>;
}

/// A request's headers, or its trailers.
pub trait Headers {
    /// Adds a line with this name, beside those that there are. For names of which there are none it does what
    /// [`Self::set`] does, for less: Envoy need not look for any.
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

/// What is counted.
pub trait Counters {
    /// A request was decided: allowed, if there is no reason why not.
    fn decided(&self, reason: Option<Reason>, tier: Option<TierIndex>, client: Option<ClientIndex>);
    /// The limit did not hold what a request costs that counts in this tier.
    fn limit_exceeded(&self, tier: Option<TierIndex>, limit: &Limit);
    /// A registered certificate passed without its dates being known.
    fn dates_unchecked(&self);
    /// The certificate that this credential asks for was seen, and ends then. Said when it is first seen, and seldom again.
    fn seen(&self, credential: CredentialIndex, not_after: UnixSeconds);
}

/// The key of the filter state in which access logs find why a request did not pass.
pub const REASON: &str = "certgate.reason";

/// What people can read of a request afterwards. A host that cannot write it loses it: no decision hangs on it.
pub trait Records {
    /// Makes `value` readable for access logs as filter state `wasm.<key>`.
    fn filter_state(&self, key: &str, value: &str);
    /// A request was decided of which the log may have a line.
    fn log(&self, event: &Event<'_>);
}

/// All of it.
pub trait Host: Peer + Headers + Ledger + Clock + Counters + Records {}

impl<T: Peer + Headers + Ledger + Clock + Counters + Records> Host for T {}
