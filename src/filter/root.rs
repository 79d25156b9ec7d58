//! The root context: whether a configuration is accepted.
//!
//! `on_configure` must give one answer in every VM, and must not trap on a worker: in both cases Envoy would skip the
//! filter and let everything through, whatever its failure policy. So its answer depends on the configuration's bytes
//! alone, a worker does not parse them there (unless over a thousand other configurations were accepted since), and
//! whatever else goes wrong leaves a filter that answers 503.

use super::abi;
use super::accepted;
use super::configuration::{self, Configuration, LOGGED_ERRORS};
use super::stream::Stream;
use super::worker::{SharedData, Vm};
use crate::config;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use sha2::{Digest, Sha256};
use std::rc::Rc;

thread_local! {
    static VM: Rc<Vm> = Rc::default();
}

/// One configuration of the filter in one VM.
pub(super) struct Root {
    vm: Rc<Vm>,
    configuration: Rc<Configuration>,
}

impl Root {
    pub(super) fn new() -> Self {
        Self { vm: VM.with(Rc::clone), configuration: Rc::default() }
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let bytes = match configuration::read(size) {
            Ok(bytes) => bytes,
            Err(why) => {
                self.configuration.give_up();
                // There may be no memory for more words than these.
                let _ = abi::log_error("certgate answers 503 to everything:");
                let _ = abi::log_error(why);
                return true;
            }
        };
        let hash = Sha256::digest(&bytes).into();
        if !accepted::contains(&SharedData, &hash) {
            if let Err(errors) = config::read(&bytes) {
                log::error!("certgate refuses the configuration: {}", errors.summary(LOGGED_ERRORS));
                return false;
            }
            if let Err(why) = accepted::add(&SharedData, &hash) {
                log::warn!("the configuration will be read again on each worker: {why}");
            }
        }
        self.configuration.accept(hash, bytes);
        // If there is no tick, the first request takes it up.
        let _ = abi::tick_every(1);
        true
    }

    fn on_tick(&mut self) {
        let _ = abi::tick_every(0);
        self.configuration.in_force(&self.vm);
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(Rc::clone(&self.vm), Rc::clone(&self.configuration))))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
