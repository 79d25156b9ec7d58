//! Memory that a VM keeps for the next configuration, so that it can always compute its hash. A configuration with a known
//! hash can be had from shared data later.

use super::plugin_configuration::PIECE;
use std::cell::Cell;

/// The memory of one piece of a configuration.
#[derive(Default)]
pub(super) struct Spare(Cell<Vec<u8>>);

impl Spare {
    /// Frees the memory for the next allocations.
    pub(super) fn free(&self) {
        drop(self.0.take());
    }

    /// Allocates the memory again, if there is enough.
    pub(super) fn keep(&self) {
        let mut memory = Vec::new();
        if memory.try_reserve_exact(PIECE).is_ok() {
            self.0.set(memory);
        }
    }
}
