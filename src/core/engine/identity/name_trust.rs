//! The names in a certificate count only if its chain is verified.

use crate::domain::identity::Chain;
use crate::engine::host::{HostFailure, Peer};
use std::cell::Cell;

/// Whether the names in one certificate are trusted, as far as one request knows. The host is asked at most once for each
/// request. Its answer is about this connection and is not kept for others.
#[derive(Debug, Default)]
pub(super) struct NameTrust(Cell<Option<bool>>);

impl NameTrust {
    /// The trust in a certificate that is registered as a whole, or that a trusted relay has forwarded.
    pub(super) fn granted() -> Self {
        Self(Cell::new(Some(true)))
    }

    /// Whether the names are trusted without asking the host.
    pub(super) fn is_granted(&self) -> bool {
        self.0.get() == Some(true)
    }

    /// Security check: whether the names are trusted. Under `chain: listener` they always are.
    pub(super) fn check(&self, chain: Chain, peer: &impl Peer) -> Result<bool, HostFailure> {
        if chain == Chain::Listener {
            return Ok(true);
        }
        if let Some(answer) = self.0.get() {
            return Ok(answer);
        }
        let answer = peer.verified()?;
        self.0.set(Some(answer));
        Ok(answer)
    }
}
