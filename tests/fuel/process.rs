//! What all VMs of one Envoy process have in common: shared data and clocks. Time passes only when a test says so.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// 2026-07-01T12:00:00Z, in nanoseconds since 1970.
const NOON: u64 = 1_782_907_200_000_000_000;
/// What a machine's monotonic clock may show.
const UPTIME: u64 = 86_400_000_000_000;

/// A shared value.
#[derive(Clone)]
pub(crate) struct Shared {
    /// What it is.
    pub(crate) bytes: Vec<u8>,
    /// Which it is of all that were stored.
    pub(crate) version: u32,
}

/// One Envoy process.
pub(crate) struct Process {
    values: RefCell<HashMap<Vec<u8>, Shared>>,
    next_version: Cell<u32>,
    elapsed: Cell<u64>,
}

impl Process {
    /// One that has just started.
    pub(crate) fn new() -> Self {
        Self { values: RefCell::default(), next_version: Cell::new(1), elapsed: Cell::new(0) }
    }

    /// Lets this many nanoseconds pass.
    pub(crate) fn pass(&self, nanos: u64) {
        self.elapsed.set(self.elapsed.get() + nanos);
    }

    /// Nanoseconds on the monotonic clock.
    pub(crate) fn monotonic(&self) -> u64 {
        UPTIME + self.elapsed.get()
    }

    /// Nanoseconds since 1970.
    pub(crate) fn wall(&self) -> u64 {
        NOON + self.elapsed.get()
    }

    /// The shared value under `key`.
    pub(crate) fn shared(&self, key: &[u8]) -> Option<Shared> {
        self.values.borrow().get(key).cloned()
    }

    /// Stores a shared value, as Envoy does: an absent key whatever the expected version, a present one if that is 0 or
    /// the version it has. Whether it did.
    pub(crate) fn swap_shared(&self, key: Vec<u8>, bytes: Vec<u8>, expected: u32) -> bool {
        let mut values = self.values.borrow_mut();
        if values.get(&key).is_some_and(|value| expected != 0 && expected != value.version) {
            return false;
        }
        let version = self.next_version.replace(self.next_version.get() + 1);
        values.insert(key, Shared { bytes, version });
        true
    }
}
