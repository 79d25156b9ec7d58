//! One configuration in one VM, from its bytes to a policy in force. What can trap on the way (parsing, most of all) is
//! kept out of `on_configure` on workers; see [`super::root`].

use super::abi;
use super::images::{Found, Images, Source};
use super::shared_data::{Plugin, SharedData};
use super::worker::{Clocks, Vm, Worker};
use certgate_core::config;
use certgate_core::domain::mode::Mode;
use certgate_core::domain::policy::Policy;
use certgate_core::domain::time::{Nanos, UnixSeconds};
use certgate_core::engine::Engine;
use certgate_core::engine::generation::{Hash, Numbering};
use certgate_core::engine::host::{Clock, HostFailure};
use certgate_core::engine::ledger::Unavailable;
use certgate_core::telemetry::counters::{self, Counters};
use certgate_core::telemetry::expiry_gauges::Shown;
use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// The configuration is read in pieces of this size. The host asks the module for memory to put each in, and the module
/// can only trap if it has none; so no piece is large.
pub(super) const PIECE: usize = 65_536;

/// Errors of a configuration that are logged; `certgate check` shows all.
pub(super) const LOGGED_ERRORS: usize = 50;

/// A configuration, shared by its root context and its streams.
#[derive(Default)]
pub(super) struct Configuration {
    state: RefCell<State>,
    /// When to look again for what was not in shared data.
    ask_again: Cell<Nanos>,
}

/// A policy in force, and what counts under it.
pub(super) struct InForce {
    pub(super) hash: Hash,
    pub(super) plugin: Rc<Plugin>,
    pub(super) engine: Engine,
    pub(super) counters: Counters,
    expiries: Shown,
    /// When [`Self::watch_revocation_lists`] last looked.
    looked: Cell<UnixSeconds>,
}

/// Milliseconds after which a clock that failed is read again.
const RETRY: u32 = 1000;

/// The longest time between two looks at revocation lists, in milliseconds: a day.
const LONGEST_WATCH: u64 = 86_400_000;

impl InForce {
    /// The telemetry of a request under it.
    pub(super) fn on<'a>(&'a self, vm: &'a Vm) -> Worker<'a> {
        Worker { vm, counters: &self.counters, expiries: &self.expiries, policy: self.engine.policy() }
    }

    /// Warns of the CRLs whose next one has become overdue since the last look; says after how many milliseconds to look
    /// again, 0: never.
    pub(super) fn watch_revocation_lists(&self) -> u32 {
        let Ok(now) = Clocks.wall() else { return RETRY };
        let before = self.looked.replace(now);
        let lists = &self.engine.policy().revocation_lists;
        let overdue = lists.iter().filter(|list| list.is_overdue(now) && !list.is_overdue(before)).count();
        if overdue > 0 {
            log::warn!("of {overdue} CRLs the next one is overdue");
        }
        let due = lists.iter().filter(|list| !list.is_overdue(now)).filter_map(|list| list.next_update).min();
        let milliseconds = due.map_or(0, |due| now.until(due).saturating_add(1).saturating_mul(1000));
        u32::try_from(milliseconds.min(LONGEST_WATCH)).unwrap_or(0)
    }
}

/// How far a configuration is.
#[derive(Default)]
enum State {
    /// Nothing can be decided by it.
    #[default]
    Unusable,
    /// Accepted.
    Waiting {
        hash: Hash,
        source: Source,
        /// Its number, if it was in force before and was [released](Configuration::release).
        numbering: Option<Arc<Numbering>>,
    },
    /// Taken up.
    Taken(Rc<InForce>),
}

impl State {
    /// The policy, once it is taken up.
    fn policy(&self) -> Option<Rc<InForce>> {
        match self {
            Self::Taken(policy) => Some(Rc::clone(policy)),
            Self::Unusable | Self::Waiting { .. } => None,
        }
    }

    fn hash(&self) -> Option<Hash> {
        match self {
            Self::Unusable => None,
            Self::Waiting { hash, .. } => Some(*hash),
            Self::Taken(policy) => Some(policy.hash),
        }
    }
}

/// What lies in shared data is asked for again after so long.
const PATIENCE: Nanos = Nanos(Nanos::PER_SECOND);

impl Configuration {
    /// Decides nothing from now on.
    pub(super) fn give_up(&self) {
        self.put(State::Unusable);
    }

    /// Will decide by this, which was accepted.
    pub(super) fn accept(&self, hash: Hash, source: Source) {
        self.put(State::Waiting { hash, source, numbering: None });
    }

    /// Lets go of its policy if it is one of these. Envoy may use the configuration again: then it comes from shared data.
    pub(super) fn release(&self, root_id: &str, former: &[Hash]) {
        let Some(policy) = self.policy().filter(|policy| &*policy.plugin.root_id == root_id) else { return };
        if former.contains(&policy.hash) {
            let numbering = Some(policy.engine.numbering());
            self.put(State::Waiting { hash: policy.hash, source: Source::Shared, numbering });
        }
    }

    /// The policy, if it was taken up.
    pub(super) fn policy(&self) -> Option<Rc<InForce>> {
        self.state.try_borrow().ok()?.policy()
    }

    /// What tells it from others, unless it is unusable.
    pub(super) fn hash(&self) -> Option<Hash> {
        self.state.try_borrow().ok()?.hash()
    }

    /// Puts this in the place of what it gives back.
    fn put(&self, state: State) -> State {
        // Nothing holds on to it, so it can be had; what could not would be unusable.
        self.state.try_borrow_mut().map(|mut place| mem::replace(&mut *place, state)).unwrap_or_default()
    }

    /// The policy in force, taken up now if it was not; `None` if there is none that can be used.
    pub(super) fn in_force(&self, vm: &Vm) -> Option<Rc<InForce>> {
        match &*self.state.try_borrow().ok()? {
            State::Waiting { .. } => {}
            state => return state.policy(),
        }
        self.take_up(vm)
    }

    /// Apart from requests, which it would slow down.
    #[inline(never)]
    fn take_up(&self, vm: &Vm) -> Option<Rc<InForce>> {
        let state = match self.put(State::Unusable) {
            State::Waiting { hash, source: Source::Shared, numbering } => {
                let source = self.ask(&hash);
                State::Waiting { hash, source, numbering }
            }
            other => other,
        };
        let state = match state {
            State::Waiting { hash, source, numbering } if source != Source::Shared => {
                take_up(hash, source, numbering, vm)
            }
            other => other,
        };
        let policy = state.policy();
        self.put(state);
        policy
    }

    /// What lies in shared data, if there is memory for it and for all that is made of it; but not in vain again at once.
    fn ask(&self, hash: &Hash) -> Source {
        // Without a clock it is asked for each time.
        let now = Clocks.monotonic().unwrap_or(self.ask_again.get());
        if now < self.ask_again.get() {
            return Source::Shared;
        }
        let root_id = root_id().unwrap_or_default();
        let images = Images { store: &SharedData, root_id: &root_id };
        let room = |length: usize| reserve(length.saturating_mul(ROOM).saturating_add(SMALL_ROOM));
        if let Found::Here(source) = images.get(hash, &room) {
            return source;
        }
        self.ask_again.set(now.after(PATIENCE));
        Source::Shared
    }
}

/// What is made of a configuration takes no more than so many times its bytes, and what all have in common.
const ROOM: usize = 4;
const SMALL_ROOM: usize = 1 << 19;

pub(super) const NO_MEMORY: &str = "there is no memory for the configuration";

/// Whether there is memory for so many bytes, which the host is about to ask for. Had and given back, it is there; the
/// compiler must not see that nobody wants it.
pub(super) fn reserve(size: usize) -> bool {
    let mut memory = Vec::<u8>::new();
    let reserved = memory.try_reserve_exact(size).is_ok();
    drop(black_box(memory));
    reserved
}

/// The plugin configuration's hash. Only inside `on_configure`.
pub(super) fn hash(size: usize) -> Result<Hash, &'static str> {
    let mut hash = Xxh3::new();
    pieces(size, |piece| hash.update(&piece))?;
    Ok(hash.digest128().to_le_bytes())
}

/// The plugin configuration, in memory that could be had without a trap; where it could not, why. Only inside
/// `on_configure`.
pub(super) fn read(size: usize) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|_| NO_MEMORY)?;
    pieces(size, |piece| bytes.extend(piece))?;
    Ok(bytes)
}

fn pieces(size: usize, mut take: impl FnMut(Vec<u8>)) -> Result<(), &'static str> {
    let mut start: usize = 0;
    while start < size {
        if !reserve(PIECE) {
            return Err(NO_MEMORY);
        }
        let wanted = size.saturating_sub(start).min(PIECE);
        let piece = abi::configuration(start, wanted).map_err(|_| "Envoy does not hand the configuration over")?;
        if piece.is_empty() {
            return Err("the configuration is shorter than Envoy says");
        }
        start = start.saturating_add(piece.len());
        take(piece);
    }
    Ok(())
}

fn take_up(hash: Hash, source: Source, known: Option<Arc<Numbering>>, vm: &Vm) -> State {
    let Numbered { now, plugin, numbering, newest, first } = match number(hash, known.clone(), vm) {
        Ok(numbered) => numbered,
        Err(why) => {
            vm.log.report_fault(|| format!("certgate answers 503 until the configuration can be taken up: {why}"));
            return State::Waiting { hash, source, numbering: known };
        }
    };
    let policy = match source {
        Source::Image(image) => config::load(image).ok_or_else(|| "what the canary compiled cannot be read".to_owned()),
        Source::Bytes(bytes) => config::read(&bytes).map_err(|errors| errors.summary(LOGGED_ERRORS).to_string()),
        Source::Shared => return State::Waiting { hash, source, numbering: known },
    };
    let policy = match policy {
        Ok(policy) => policy,
        Err(why) => {
            log::error!("certgate answers 503 to everything: {why}");
            return State::Unusable;
        }
    };
    let mut expiries = Shown::default();
    // A former one that decides once more is not what the gauges are about.
    if newest {
        counters::in_force(&vm.metrics, &policy, numbering.current());
        if first {
            announce(&policy, numbering.current().0, now);
        }
        expiries = vm.gauges.take_up(&vm.metrics, &plugin.root_id, (numbering.current(), first), &policy);
    }
    let looked = Cell::new(now);
    let counters = Counters::new(&policy);
    let engine = Engine::new(policy, numbering);
    State::Taken(Rc::new(InForce { hash, plugin: plugin.into(), engine, counters, expiries, looked }))
}

/// A configuration with its number.
struct Numbered {
    /// The calendar's moment.
    now: UnixSeconds,
    plugin: Plugin,
    /// The number among the configurations of this plugin.
    numbering: Arc<Numbering>,
    /// Whether the configuration is the newest.
    newest: bool,
    /// Whether this VM is the first to have it.
    first: bool,
}

/// Numbers the configuration with this hash, which keeps its number if that is known.
fn number(hash: Hash, known: Option<Arc<Numbering>>, vm: &Vm) -> Result<Numbered, Unavailable> {
    let (now, plugin) = (Clocks.wall()?, Plugin::new(&root_id()?));
    if let Some(numbering) = known {
        let newest = numbering.refresh(&plugin.ledger(vm));
        return Ok(Numbered { now, plugin, numbering, newest, first: false });
    }
    let (numbering, first) = Numbering::take_up(&plugin.ledger(vm), hash, now)?;
    Ok(Numbered { now, plugin, numbering, newest: true, first })
}

/// What tells this plugin from others with the same `vm_id`.
pub(super) fn root_id() -> Result<String, HostFailure> {
    let root_id = abi::property("plugin_root_id")?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&root_id).into_owned())
}

fn announce(policy: &Policy, number: u64, now: UnixSeconds) {
    let registry = &policy.registry;
    let (clients, credentials, tiers) =
        (registry.clients().client_count(), registry.clients().credential_count(), registry.tiers().len());
    log::info!("configuration {number} in force: {clients} clients, {credentials} credentials, {tiers} tiers");
    if policy.mode == Mode::Shadow {
        log::warn!("configuration {number} is in shadow mode: certgate enforces nothing");
    }
    if !registry.shapes().is_empty() {
        log::info!("configuration {number}: names in certificates count {}", policy.identity.chain);
    }
    let overdue = policy.revocation_lists.iter().filter(|list| list.is_overdue(now)).count();
    if overdue > 0 {
        log::warn!("configuration {number}: of {overdue} CRLs the next one is overdue");
    }
}
