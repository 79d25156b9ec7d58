//! The generation under which a host activates a configuration.

use crate::domain::time::UnixSeconds;
use crate::engine::generation::{GenerationCounter, Hash};
use crate::engine::ledger::{Ledger, Unavailable};
use std::sync::Arc;

/// A configuration that a host is about to activate.
pub struct Activation {
    /// The time of the activation.
    pub now: UnixSeconds,
    /// The generation of the configuration.
    pub generation: Arc<GenerationCounter>,
    /// Whether the configuration is the newest of its plugin. An older one becomes active again where a stream of before
    /// still uses it.
    pub newest: bool,
    /// Whether no other worker has activated the configuration under this generation.
    pub first: bool,
}

impl Activation {
    /// The activation of the configuration with this hash. `former` is its generation where this host had activated the
    /// configuration before and released its policy since.
    pub fn new(
        ledger: &impl Ledger,
        hash: Hash,
        former: Option<Arc<GenerationCounter>>,
        now: UnixSeconds,
    ) -> Result<Self, Unavailable> {
        if let Some(generation) = former {
            let newest = generation.refresh(ledger);
            return Ok(Self { now, generation, newest, first: false });
        }
        let (generation, first) = GenerationCounter::take_up(ledger, hash, now)?;
        Ok(Self { now, generation, newest: true, first })
    }
}
