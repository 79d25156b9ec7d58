//! The names in a certificate count only if somebody vouches for them.

use super::Engine;
use super::host::Host;
use crate::domain::decision::Reason;
use crate::domain::identity::Chain;
use std::cell::Cell;

/// Whether somebody vouches for the names in one certificate, as far as one request knows: the proxy is asked at most once,
/// and nothing of its answer outlives the request. What it says holds for this connection and no other.
#[derive(Debug, Default)]
pub(super) struct Vouched(Cell<Option<bool>>);

impl Vouched {
    /// Somebody does, as is known without asking the proxy.
    pub(super) fn known() -> Self {
        Self(Cell::new(Some(true)))
    }

    /// Whether that is known without asking the proxy.
    pub(super) fn is_known(&self) -> bool {
        self.0.get() == Some(true)
    }
}

impl Engine {
    /// Whether somebody vouches for the names in the certificate.
    pub(super) fn vouched(&self, host: &impl Host, vouched: &Vouched) -> Result<bool, Reason> {
        if self.policy.identity.chain == Chain::Listener {
            return Ok(true);
        }
        if let Some(answer) = vouched.0.get() {
            return Ok(answer);
        }
        let answer = host.verified()?;
        vouched.0.set(Some(answer));
        Ok(answer)
    }
}
