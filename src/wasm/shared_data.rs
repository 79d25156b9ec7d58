//! Envoy's shared data, whose namespace is the `vm_id`, and in it the ledger of one plugin.

use super::abi;
use super::cas::{self, Expected, Store, Swap, Version};
use super::vm_state::VmState;
use certgate_core::engine::host::HostFailure;
use certgate_core::engine::ledger::{Change, Entry, Ledger, Unavailable};
use certgate_core::telemetry::counters;

/// The key of the buckets of all callers without a client, behind the prefix. No alias contains `~`.
const ANONYMOUS: &str = "~anonymous";

/// Envoy's shared data.
pub(super) struct SharedData;

impl Store for SharedData {
    fn read(&self, key: &str) -> Result<Option<(Vec<u8>, Version)>, HostFailure> {
        abi::shared(key)
    }

    fn swap(&self, key: &str, value: &[u8], expected: Expected) -> Result<Swap, HostFailure> {
        abi::swap_shared(key, value, expected)
    }
}

/// Envoy's shared data, with a metric that counts conflicts.
struct Counted<'a>(&'a VmState);

impl Store for Counted<'_> {
    fn read(&self, key: &str) -> Result<Option<(Vec<u8>, Version)>, HostFailure> {
        SharedData.read(key)
    }

    fn swap(&self, key: &str, value: &[u8], expected: Expected) -> Result<Swap, HostFailure> {
        SharedData.swap(key, value, expected)
    }

    fn conflict(&self) {
        counters::store_conflict(&self.0.metrics);
    }
}

/// The keys of one plugin in shared data.
pub(super) struct Plugin {
    /// The `root_id`, which tells the plugin from others with the same `vm_id`.
    pub(super) root_id: Box<str>,
    /// The prefix of the keys of its clients' buckets; the alias follows.
    buckets: Box<str>,
}

impl Plugin {
    /// The plugin with this `root_id`.
    pub(super) fn new(root_id: &str) -> Self {
        Self { root_id: root_id.into(), buckets: ["certgate:buckets:", root_id, "/"].concat().into() }
    }

    /// The ledger of the plugin, with the counters of this VM.
    pub(super) fn ledger<'a>(&'a self, vm: &'a VmState) -> SharedLedger<'a> {
        SharedLedger { plugin: self, vm }
    }
}

/// The ledger of one plugin.
pub(super) struct SharedLedger<'a> {
    plugin: &'a Plugin,
    vm: &'a VmState,
}

impl Ledger for SharedLedger<'_> {
    fn update<T: AsRef<[u8]>, E: From<Unavailable>>(
        &self,
        entry: Entry<'_>,
        compute: impl FnMut(Option<Vec<u8>>) -> Result<Change<T>, E>,
    ) -> Result<T, E> {
        let (prefix, name) = match entry {
            Entry::Client(alias) => (&*self.plugin.buckets, alias),
            Entry::Anonymous => (&*self.plugin.buckets, ANONYMOUS),
            Entry::Generation => ("certgate:generation:", &*self.plugin.root_id),
        };
        let mut key = self.vm.spare_key.take();
        key.clear();
        key.push_str(prefix);
        key.push_str(name);
        let updated = cas::update(&Counted(self.vm), &key, compute);
        self.vm.spare_key.set(key);
        updated
    }
}
