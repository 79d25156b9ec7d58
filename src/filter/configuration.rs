//! One configuration in one VM, from its bytes to a policy in force. What can trap on the way (parsing, most of all) is
//! kept out of `on_configure` on workers; see [`super::root`].

use super::abi;
use super::expiry::Shown;
use super::metrics::Counters;
use super::worker::{self, SharedData, Vm, Worker};
use crate::config;
use crate::domain::mode::Mode;
use crate::domain::policy::Policy;
use crate::domain::time::UnixSeconds;
use crate::engine::Engine;
use crate::engine::generation::{Hash, Numbering};
use crate::engine::host::HostFailure;
use crate::engine::swap::Unavailable;
use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::mem;
use std::rc::Rc;
use xxhash_rust::xxh3::Xxh3;

/// The configuration is read in pieces of this size. The host asks the module for memory to put each in, and the module
/// can only trap if it has none; so no piece is large.
const PIECE: usize = 65_536;

/// Errors of a configuration that are logged; `certgate check` shows all.
pub(super) const LOGGED_ERRORS: usize = 50;

/// A configuration, shared by its root context and its streams.
#[derive(Default)]
pub(super) struct Configuration(RefCell<State>);

/// A policy in force, and what counts under it.
pub(super) struct InForce {
    pub(super) engine: Engine,
    pub(super) counters: Counters,
    expiries: Shown,
    /// When [`Self::watch_revocation_lists`] last looked.
    looked: Cell<UnixSeconds>,
}

/// The longest time between two looks at revocation lists, in milliseconds: a day.
const LONGEST_WATCH: u64 = 86_400_000;

impl InForce {
    /// The worker's host for a request under it.
    pub(super) fn on<'a>(&'a self, vm: &'a Vm) -> Worker<'a> {
        Worker { vm, counters: &self.counters, expiries: &self.expiries, policy: self.engine.policy() }
    }

    /// Warns of the CRLs whose next one has become overdue since the last look; says after how many milliseconds to look
    /// again, 0: never.
    pub(super) fn watch_revocation_lists(&self) -> u32 {
        let now = worker::wall();
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

/// What a policy is made of.
pub(super) enum Source {
    /// The configuration itself.
    Bytes(Vec<u8>),
    /// What another VM has compiled.
    Image(Vec<u8>),
}

/// How far a configuration is.
#[derive(Default)]
enum State {
    /// Nothing can be decided by it.
    #[default]
    Unusable,
    /// Accepted.
    Waiting { hash: Hash, source: Source },
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
}

impl Configuration {
    /// Decides nothing from now on.
    pub(super) fn give_up(&self) {
        self.put(State::Unusable);
    }

    /// Will decide by this, which was accepted.
    pub(super) fn accept(&self, hash: Hash, source: Source) {
        self.put(State::Waiting { hash, source });
    }

    /// Puts this in the place of what it gives back.
    fn put(&self, state: State) -> State {
        // Nothing holds on to it, so it can be had; what could not would be unusable.
        self.0.try_borrow_mut().map(|mut place| mem::replace(&mut *place, state)).unwrap_or_default()
    }

    /// The policy in force, taken up now if it was not; `None` if there is none that can be used.
    pub(super) fn in_force(&self, vm: &Vm) -> Option<Rc<InForce>> {
        match &*self.0.try_borrow().ok()? {
            State::Waiting { .. } => {}
            state => return state.policy(),
        }
        self.take_up(vm)
    }

    /// Apart from requests, which it would slow down.
    #[inline(never)]
    fn take_up(&self, vm: &Vm) -> Option<Rc<InForce>> {
        let state = match self.put(State::Unusable) {
            State::Waiting { hash, source } => take_up(hash, source, vm),
            other => other,
        };
        let policy = state.policy();
        self.put(state);
        policy
    }
}

const NO_MEMORY: &str = "there is no memory for the configuration";

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

fn take_up(hash: Hash, source: Source, vm: &Vm) -> State {
    let (root_id, numbering, first) = match number(hash) {
        Ok(numbered) => numbered,
        Err(why) => {
            vm.journal.trouble(|| format!("certgate answers 503 until the configuration can be taken up: {why}"));
            return State::Waiting { hash, source };
        }
    };
    let policy = match source {
        Source::Image(image) => config::load(image).ok_or_else(|| "what the canary compiled cannot be read".to_owned()),
        Source::Bytes(bytes) => config::read(&bytes).map_err(|errors| errors.summary(LOGGED_ERRORS).to_string()),
    };
    let policy = match policy {
        Ok(policy) => policy,
        Err(why) => {
            log::error!("certgate answers 503 to everything: {why}");
            return State::Unusable;
        }
    };
    vm.names.in_force(&policy, numbering.current());
    if first {
        announce(&policy, numbering.current().0);
    }
    let counters = Counters::new(&policy);
    let expiries = vm.gauges.take_up(&vm.names, &root_id, (numbering.current(), first), &policy);
    let engine = Engine::new(policy, numbering, &["certgate:buckets:", &root_id, "/"].concat());
    State::Taken(Rc::new(InForce { engine, counters, expiries, looked: Cell::new(worker::wall()) }))
}

/// The `root_id`, under which buckets lie, the configuration's number among those of this `root_id`, and whether it is
/// new.
fn number(hash: Hash) -> Result<(String, Numbering, bool), Unavailable> {
    let root_id = root_id()?;
    let key = ["certgate:generation:", &root_id].concat();
    let (numbering, first) = Numbering::take_up(&SharedData, &key, hash, worker::wall())?;
    Ok((root_id, numbering, first))
}

/// What tells this plugin from others with the same `vm_id`.
pub(super) fn root_id() -> Result<String, HostFailure> {
    let root_id = abi::property("plugin_root_id")?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&root_id).into_owned())
}

fn announce(policy: &Policy, number: u64) {
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
    let overdue = policy.revocation_lists.iter().filter(|list| list.is_overdue(worker::wall())).count();
    if overdue > 0 {
        log::warn!("configuration {number}: of {overdue} CRLs the next one is overdue");
    }
}
