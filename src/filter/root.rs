//! The life of a configuration: accepted or refused in `on_configure`, taken up at the first tick or request.
//!
//! `on_configure` must give one answer in every VM, and must not trap on a worker: in both cases Envoy would skip the
//! filter and let everything through, whatever its failure policy. So its answer depends on the configuration's bytes
//! alone, a worker does not parse them there, and whatever else goes wrong leaves a filter that answers 503.

use super::abi;
use super::accepted;
use super::metrics::Counters;
use super::stream::Stream;
use super::worker::{SharedData, Vm};
use crate::config;
use crate::domain::policy::{Mode, Policy};
use crate::engine::Engine;
use crate::engine::generation::{self, Hash, TakenUp};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;

/// The configuration is read in pieces of this size. The host asks the module for memory to put each in, and the module
/// can only trap if it has none; so no piece is large.
const PIECE: usize = 65_536;

/// Errors of a configuration that are logged; `certgate check` shows all.
const LOGGED_ERRORS: usize = 50;

thread_local! {
    static VM: Rc<Vm> = Rc::default();
}

/// One configuration of the filter in one VM.
pub(super) struct Root {
    shared: Rc<Shared>,
}

/// What a configuration's streams and its root context share.
pub(super) struct Shared {
    pub(super) vm: Rc<Vm>,
    state: Cell<State>,
}

/// A policy in force, and what counts under it.
pub(super) struct InForce {
    pub(super) engine: Engine,
    pub(super) counters: Counters,
}

/// How far a configuration is.
#[derive(Default)]
enum State {
    /// Nothing can be decided by it.
    #[default]
    Unusable,
    /// Accepted.
    Waiting { hash: Hash, bytes: Vec<u8> },
    /// Taken up.
    InForce { hash: Hash, policy: Rc<InForce> },
}

impl Root {
    pub(super) fn new() -> Self {
        Self { shared: Rc::new(Shared { vm: VM.with(Rc::clone), state: Cell::default() }) }
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let bytes = match read(size) {
            Ok(bytes) => bytes,
            Err(why) => {
                log::error!("certgate answers 503 to everything: the configuration cannot be read: {why}");
                self.shared.state.set(State::Unusable);
                return true;
            }
        };
        let hash = Sha256::digest(&bytes).into();
        // Two listeners with one configuration share a root.
        if self.shared.holds(&hash) {
            return true;
        }
        if !accepted::contains(&SharedData, &hash) {
            if let Err(errors) = config::read(&bytes) {
                log::error!("certgate refuses the configuration\n{}", errors.summary(LOGGED_ERRORS));
                return false;
            }
            if let Err(why) = accepted::add(&SharedData, &hash) {
                log::warn!("the configuration will be read again on each worker: {why}");
            }
        }
        self.shared.state.set(State::Waiting { hash, bytes });
        // If there is no tick, the first request takes it up.
        let _ = abi::tick_every(1);
        true
    }

    fn on_tick(&mut self) {
        let _ = abi::tick_every(0);
        self.shared.in_force();
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(Rc::clone(&self.shared))))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Shared {
    /// The policy in force; `None` if there is none yet, or none that can be used.
    pub(super) fn in_force(&self) -> Option<Rc<InForce>> {
        let state = match self.state.take() {
            State::Waiting { hash, bytes } => take_up(hash, bytes, &self.vm),
            other => other,
        };
        let policy = match &state {
            State::InForce { policy, .. } => Some(Rc::clone(policy)),
            _ => None,
        };
        self.state.set(state);
        policy
    }

    fn holds(&self, wanted: &Hash) -> bool {
        let state = self.state.take();
        let holds = matches!(&state, State::Waiting { hash, .. } | State::InForce { hash, .. } if hash == wanted);
        self.state.set(state);
        holds
    }
}

/// The plugin configuration, in memory that could be had without a trap.
fn read(size: usize) -> Result<Vec<u8>, String> {
    let refused = |_| format!("no memory for {size} bytes");
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(refused)?;
    while bytes.len() < size {
        // The memory that the host is about to ask for. Had and given back, it is there; the compiler must not see that
        // nobody wants it.
        let mut piece = Vec::<u8>::new();
        piece.try_reserve_exact(PIECE).map_err(refused)?;
        drop(black_box(piece));
        let wanted = size.saturating_sub(bytes.len()).min(PIECE);
        let piece = abi::configuration(bytes.len(), wanted).map_err(|failure| failure.to_string())?;
        if piece.is_empty() {
            return Err(format!("it ends after {} of {size} bytes", bytes.len()));
        }
        bytes.extend(piece);
    }
    Ok(bytes)
}

fn take_up(hash: Hash, bytes: Vec<u8>, vm: &Vm) -> State {
    let root_id = abi::property("plugin_root_id").ok().flatten().unwrap_or_default();
    let root_id = String::from_utf8_lossy(&root_id);
    let taken_up = generation::take_up(&SharedData, &["certgate:generation:", &root_id].concat(), &hash);
    let TakenUp { generation, first } = match taken_up {
        Ok(taken_up) => taken_up,
        Err(why) => {
            log::error!("certgate answers 503 until the configuration can be taken up: {why}");
            return State::Waiting { hash, bytes };
        }
    };
    let policy = match config::read(&bytes) {
        Ok(policy) => policy,
        Err(errors) => {
            log::error!("certgate answers 503 to everything\n{}", errors.summary(LOGGED_ERRORS));
            return State::Unusable;
        }
    };
    vm.names.in_force(&policy, generation);
    if first {
        announce(&policy, generation.0);
    }
    let counters = Counters::new(&policy);
    let engine = Engine::new(policy, generation, &["certgate:buckets:", &root_id, "/"].concat());
    State::InForce { hash, policy: Rc::new(InForce { engine, counters }) }
}

fn announce(policy: &Policy, number: u64) {
    let registry = &policy.registry;
    let (clients, credentials, tiers) =
        (registry.clients().len(), registry.credentials().len(), registry.tiers().len());
    log::info!("configuration {number} in force: {clients} clients, {credentials} credentials, {tiers} tiers");
    if policy.mode == Mode::Shadow {
        log::warn!("configuration {number} is in shadow mode: certgate enforces nothing");
    }
}
