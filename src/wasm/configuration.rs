//! The state of one configuration in one VM: unusable, warming, active. `on_configure` only accepts a configuration; its
//! policy is loaded at the first tick or request, since a trap inside `on_configure` on a worker makes Envoy skip the
//! filter ([`super::root`]).

use super::clocks::Clocks;
use super::log_sink::EnvoyLog;
use super::plugin_configuration::{reserve, root_id};
use super::shared_data::{Plugin, SharedData};
use super::snapshots::{Found, Snapshots, Source};
use super::vm_state::VmState;
use super::worker::RequestTelemetry;
use certgate_core::config;
use certgate_core::domain::policy::Policy;
use certgate_core::domain::time::Nanos;
use certgate_core::engine::generation::{GenerationCounter, Hash};
use certgate_core::engine::host::Clock;
use certgate_core::engine::ledger::Unavailable;
use certgate_core::runtime::activation::Activation;
use certgate_core::runtime::active_policy::{ActivePolicy, Publisher};
use std::cell::{Cell, RefCell};
use std::mem;
use std::rc::Rc;
use std::sync::Arc;

/// Errors of a configuration that are logged; `certgate check` prints all.
pub(super) const LOGGED_ERRORS: usize = 50;

/// Time between two reads of shared data for a configuration that was not there.
const PATIENCE: Nanos = Nanos(Nanos::PER_SECOND);

/// A loaded configuration takes at most [`ROOM`] times its bytes, and [`SMALL_ROOM`] bytes more.
const ROOM: usize = 4;
const SMALL_ROOM: usize = 1 << 19;

/// A configuration, shared by its root context and its streams.
#[derive(Default)]
pub(super) struct Configuration {
    state: RefCell<State>,
    /// The next time at which shared data are read for it, on the monotonic clock.
    ask_again: Cell<Nanos>,
}

/// A configuration whose policy decides requests.
pub(super) struct Active {
    pub(super) hash: Hash,
    pub(super) plugin: Rc<Plugin>,
    pub(super) policy: ActivePolicy,
}

impl Active {
    /// The telemetry of a request that this configuration decides.
    pub(super) fn on<'a>(&'a self, vm: &'a VmState) -> RequestTelemetry<'a> {
        let ActivePolicy { engine, counters, expiries, .. } = &self.policy;
        RequestTelemetry { vm, counters, expiries, policy: engine.policy() }
    }
}

#[derive(Default)]
enum State {
    /// Requests cannot be decided.
    #[default]
    Unusable,
    /// Accepted, and not loaded.
    Warming {
        hash: Hash,
        /// The source of the policy; `None` if it is to be had from shared data.
        source: Option<Source>,
        /// The generation, if the configuration was active before and was [released](Configuration::release).
        former: Option<Arc<GenerationCounter>>,
    },
    /// Loaded.
    Active(Rc<Active>),
}

impl State {
    fn active(&self) -> Option<Rc<Active>> {
        match self {
            Self::Active(active) => Some(Rc::clone(active)),
            Self::Unusable | Self::Warming { .. } => None,
        }
    }

    fn hash(&self) -> Option<Hash> {
        match self {
            Self::Unusable => None,
            Self::Warming { hash, .. } => Some(*hash),
            Self::Active(active) => Some(active.hash),
        }
    }
}

impl Configuration {
    /// Makes the configuration unusable.
    pub(super) fn give_up(&self) {
        self.put(State::Unusable);
    }

    /// Makes the configuration one that was accepted and has this hash and source.
    pub(super) fn accept(&self, hash: Hash, source: Option<Source>) {
        self.put(State::Warming { hash, source, former: None });
    }

    /// Releases the policy if its plugin has this `root_id` and its hash is in `former`. Envoy may use the configuration
    /// again: it is loaded from shared data then.
    pub(super) fn release(&self, root_id: &str, former: &[Hash]) {
        let Some(active) = self.loaded().filter(|active| &*active.plugin.root_id == root_id) else { return };
        if former.contains(&active.hash) {
            let former = Some(active.policy.engine.generation());
            self.put(State::Warming { hash: active.hash, source: None, former });
        }
    }

    /// The active configuration; `None` if it is not active.
    pub(super) fn loaded(&self) -> Option<Rc<Active>> {
        self.state.try_borrow().ok()?.active()
    }

    /// The hash, unless the configuration is unusable.
    pub(super) fn hash(&self) -> Option<Hash> {
        self.state.try_borrow().ok()?.hash()
    }

    /// The active configuration, activated now if it is warming; `None` if it cannot be used.
    pub(super) fn active(&self, vm: &VmState) -> Option<Rc<Active>> {
        match &*self.state.try_borrow().ok()? {
            State::Warming { .. } => {}
            state => return state.active(),
        }
        self.activate(vm)
    }

    /// Sets the state; returns the state before.
    fn put(&self, state: State) -> State {
        // No borrow of the state outlives a call, so this one succeeds; a state that could not be set would be unusable.
        self.state.try_borrow_mut().map(|mut place| mem::replace(&mut *place, state)).unwrap_or_default()
    }

    /// Not inlined: inlined, it costs each request instructions.
    #[inline(never)]
    fn activate(&self, vm: &VmState) -> Option<Rc<Active>> {
        let state = match self.put(State::Unusable) {
            State::Warming { hash, source, former } => match source.or_else(|| self.ask(&hash)) {
                Some(source) => activate(hash, source, former, vm),
                None => State::Warming { hash, source: None, former },
            },
            other => other,
        };
        let active = state.active();
        self.put(state);
        active
    }

    /// The source in shared data, if there is memory for it and for the policy that is loaded from it. Without success
    /// shared data are not read again before [`PATIENCE`].
    fn ask(&self, hash: &Hash) -> Option<Source> {
        // Without a clock each call reads shared data.
        let now = Clocks.monotonic().unwrap_or(self.ask_again.get());
        if now < self.ask_again.get() {
            return None;
        }
        let root_id = root_id().unwrap_or_default();
        let snapshots = Snapshots { store: &SharedData, root_id: &root_id };
        let room = |length: usize| reserve(length.saturating_mul(ROOM).saturating_add(SMALL_ROOM));
        if let Found::Here(source) = snapshots.get(hash, &room) {
            return Some(source);
        }
        self.ask_again.set(now.after(PATIENCE));
        None
    }
}

/// The state of an accepted configuration after an attempt to activate it.
fn activate(hash: Hash, source: Source, former: Option<Arc<GenerationCounter>>, vm: &VmState) -> State {
    let (plugin, activation) = match number(hash, former.clone(), vm) {
        Ok(numbered) => numbered,
        Err(why) => {
            vm.log.report_fault(|| format!("certgate answers 503 until the configuration can be activated: {why}"));
            return State::Warming { hash, source: Some(source), former };
        }
    };
    let policy = match load(source) {
        Ok(policy) => policy,
        Err(why) => {
            log::error!("certgate answers 503 to everything: {why}");
            return State::Unusable;
        }
    };
    let publisher = Publisher { metrics: &vm.metrics, gauges: &vm.gauges, log: &EnvoyLog };
    let policy = ActivePolicy::activate(policy, activation, &plugin.root_id, &publisher);
    State::Active(Rc::new(Active { hash, plugin: plugin.into(), policy }))
}

/// The plugin of the configuration with this hash, and the configuration's generation.
fn number(
    hash: Hash,
    former: Option<Arc<GenerationCounter>>,
    vm: &VmState,
) -> Result<(Plugin, Activation), Unavailable> {
    let (now, plugin) = (Clocks.wall()?, Plugin::new(&root_id()?));
    let activation = Activation::new(&plugin.ledger(vm), hash, former, now)?;
    Ok((plugin, activation))
}

fn load(source: Source) -> Result<Policy, String> {
    match source {
        Source::Snapshot(snapshot) => {
            config::load(snapshot).ok_or_else(|| "the compiled configuration cannot be read".to_owned())
        }
        Source::Bytes(bytes) => config::read(&bytes).map_err(|errors| errors.summary(LOGGED_ERRORS).to_string()),
    }
}
