//! Shared data in memory, for unit tests: versions and compare-and-swap as Envoy has them.

use super::{Expected, Store, Swap, Version};
use certgate_core::engine::host::HostFailure;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

#[derive(Debug, Default)]
pub(crate) struct FakeSharedData {
    values: RefCell<HashMap<String, (Vec<u8>, u32)>>,
    version: Cell<u32>,
}

impl FakeSharedData {
    /// All values, by their keys.
    pub(crate) fn values(&self) -> HashMap<String, Vec<u8>> {
        self.values.borrow().iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect()
    }

    /// Overwrites a value, as another version of the module might.
    pub(crate) fn overwrite(&self, key: &str, value: &[u8]) {
        self.version.set(self.version.get().wrapping_add(1));
        self.values.borrow_mut().insert(key.to_owned(), (value.to_vec(), self.version.get()));
    }
}

impl Store for FakeSharedData {
    fn read(&self, key: &str) -> Result<Option<(Vec<u8>, Version)>, HostFailure> {
        Ok(self.values.borrow().get(key).map(|(value, version)| (value.clone(), Version(*version))))
    }

    fn swap(&self, key: &str, value: &[u8], expected: Expected) -> Result<Swap, HostFailure> {
        let stored = self.values.borrow().get(key).map(|(_, version)| Expected::Version(Version(*version)));
        if stored.unwrap_or(Expected::Absent) != expected {
            return Ok(Swap::Conflict);
        }
        self.overwrite(key, value);
        Ok(Swap::Done)
    }
}

#[test]
fn a_swap_replaces_only_the_expected_value() {
    let store = FakeSharedData::default();
    assert_eq!(store.swap("key", b"1", Expected::Absent), Ok(Swap::Done));
    assert_eq!(store.swap("key", b"2", Expected::Absent), Ok(Swap::Conflict));
    let (_, version) = store.read("key").unwrap().unwrap();
    assert_eq!(store.swap("key", b"3", Expected::Version(version)), Ok(Swap::Done));
    assert_eq!(store.swap("key", b"4", Expected::Version(version)), Ok(Swap::Conflict));
}
