//! Memory that a VM keeps for the next configuration, so that it can at least be told which one it is: what a
//! configuration is called by lies in shared data, and can be had from there later.

use super::configuration::PIECE;
use std::cell::Cell;

/// As much as a piece of a configuration takes.
#[derive(Default)]
pub(super) struct Spare(Cell<Vec<u8>>);

impl Spare {
    /// Frees it for a while.
    pub(super) fn free(&self) {
        drop(self.0.take());
    }

    /// Has it again, if there is so much.
    pub(super) fn keep(&self) {
        let mut memory = Vec::new();
        if memory.try_reserve_exact(PIECE).is_ok() {
            self.0.set(memory);
        }
    }
}
