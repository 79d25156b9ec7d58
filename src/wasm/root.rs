//! The root context: whether a configuration is accepted.
//!
//! `on_configure` must give the same answer in every VM, and must not trap on a worker. Otherwise Envoy skips the filter and
//! lets everything through, whatever the failure policy. Therefore the answer depends on the configuration's bytes alone.
//! A worker does not parse the bytes there, unless more than a thousand other configurations were accepted since: it takes
//! the snapshot that the canary compiled, or the bytes. Any other failure leaves a filter that answers 503.

use super::abi;
use super::accepted_hashes::AcceptedHashes;
use super::clocks::Clocks;
use super::configuration::{Active, Configuration, LOGGED_ERRORS};
use super::configurations::Configurations;
use super::log_sink::EnvoyLog;
use super::plugin_configuration::{self, NO_MEMORY, reserve};
use super::shared_data::SharedData;
use super::snapshots::{Found, Snapshots, Source};
use super::stream::Stream;
use super::vm_state::VmState;
use certgate_core::config::{self, Capabilities};
use certgate_core::engine::generation::Hash;
use certgate_core::engine::host::Clock;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use std::cell::OnceCell;
use std::rc::Rc;

thread_local! {
    static VM: Rc<VmState> = Rc::default();
    static CONFIGURATIONS: Rc<Configurations> = Rc::default();
}

/// Only the module with callbacks for bodies counts bytes.
const CAPABILITIES: Capabilities = Capabilities { bytes: cfg!(feature = "bandwidth") };

/// Milliseconds after which an activation or a read of the clock that failed is tried again.
const RETRY: u32 = 1000;

/// The answer of `on_configure`.
enum Answer {
    /// The configuration with this hash is accepted. Its source is read from shared data later if it is `None`.
    Accepted(Hash, Option<Source>),
    /// The configuration has errors.
    Refused,
}

/// One configuration of the filter in one VM.
pub(super) struct Root {
    vm: Rc<VmState>,
    configurations: Rc<Configurations>,
    configuration: Rc<Configuration>,
}

impl Root {
    pub(super) fn new() -> Self {
        let (vm, configurations) = (VM.with(Rc::clone), CONFIGURATIONS.with(Rc::clone));
        let configuration = Rc::default();
        configurations.add(&configuration);
        Self { vm, configurations, configuration }
    }

    /// The answer to the configuration that Envoy has now, which has `size` bytes. An error is a read that failed.
    fn answer(&self, size: usize) -> Result<Answer, &'static str> {
        // First, since the freed memory of `Spare` is in one piece only before other allocations.
        let hash = plugin_configuration::hash(size)?;
        // Plugins whose `root_id` cannot be read share their snapshots.
        let root_id = plugin_configuration::root_id().unwrap_or_default();
        self.configurations.release_former(&root_id);
        let snapshots = Snapshots { store: &SharedData, root_id: &root_id };
        let accepted = AcceptedHashes { store: &SharedData };
        if accepted.contains(&hash) {
            return Ok(Answer::Accepted(hash, accepted_source(&snapshots, &hash, size)));
        }
        let bytes = plugin_configuration::read(size)?;
        let listed = OnceCell::new();
        let former = || snapshots.of_another(listed.get_or_init(|| snapshots.listed()), &hash);
        let snapshot = match config::compile_after(&bytes, CAPABILITIES, &former) {
            Ok(snapshot) => snapshot,
            Err(errors) => {
                log::error!("certgate refuses the configuration: {}", errors.summary(LOGGED_ERRORS));
                return Ok(Answer::Refused);
            }
        };
        let source = snapshot.map_or(Source::Bytes(bytes), Source::Snapshot);
        snapshots.put_into(listed.get_or_init(|| snapshots.listed()), &hash, &source, &|_| true);
        if let Err(why) = accepted.add(&hash) {
            log::warn!("the configuration will be read again on each worker: {why}");
        }
        Ok(Answer::Accepted(hash, Some(source)))
    }
}

/// The source of an accepted configuration: from shared data, or else from Envoy, and then it is put into shared data for
/// the workers that come later. `None` if there is no memory for it now.
fn accepted_source(snapshots: &Snapshots<'_>, hash: &Hash, size: usize) -> Option<Source> {
    let read = match snapshots.take(hash, &reserve) {
        Found::Here(source) => return Some(source),
        Found::TooLarge => Err(NO_MEMORY),
        Found::Nothing => plugin_configuration::read(size),
    };
    match read.map(Source::Bytes) {
        Ok(source) => {
            snapshots.put(hash, &source, &reserve);
            Some(source)
        }
        Err(why) => {
            // Without formatting: there may be no memory for it.
            let _ = abi::log_error("certgate answers 503 until the configuration can be had:");
            let _ = abi::log_error(why);
            None
        }
    }
}

/// Looks at the CRLs. Returns the milliseconds until the next look; 0: none.
fn watch_crls(active: &Active) -> u32 {
    let Ok(now) = Clocks.wall() else { return RETRY };
    let seconds = active.policy.watch_crls(now, &EnvoyLog).unwrap_or(0);
    u32::try_from(seconds.saturating_mul(1000)).unwrap_or(0)
}

impl Drop for Root {
    fn drop(&mut self) {
        self.configurations.retire(&self.configuration);
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        self.vm.spare.free();
        let answer = self.answer(size);
        self.vm.spare.keep();
        match answer {
            Ok(Answer::Accepted(hash, source)) => {
                self.configuration.accept(hash, source);
                // Without a tick the first request activates it.
                let _ = abi::tick_every(1);
                true
            }
            Ok(Answer::Refused) => false,
            Err(why) => {
                self.configuration.give_up();
                let _ = abi::log_error("certgate answers 503 to everything:");
                let _ = abi::log_error(why);
                true
            }
        }
    }

    fn on_tick(&mut self) {
        let next = match self.configuration.active(&self.vm) {
            Some(active) => watch_crls(&active),
            None if self.configuration.hash().is_some() => RETRY,
            None => 0,
        };
        let _ = abi::tick_every(next);
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(Rc::clone(&self.vm), Rc::clone(&self.configuration))))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
