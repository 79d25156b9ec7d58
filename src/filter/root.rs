//! The root context: whether a configuration is accepted.
//!
//! `on_configure` must give one answer in every VM, and must not trap on a worker: in both cases Envoy would skip the
//! filter and let everything through, whatever its failure policy. So its answer depends on the configuration's bytes
//! alone, a worker does not parse them there (unless over a thousand other configurations were accepted since) but takes
//! what the canary compiled, or the bytes, and whatever else goes wrong leaves a filter that answers 503.

use super::abi;
use super::accepted;
use super::configuration::{self, Configuration, LOGGED_ERRORS, Source};
use super::images::Images;
use super::stream::Stream;
use super::worker::{SharedData, Vm};
use crate::config;
use crate::engine::generation::Hash;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
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

impl Root {
    /// What to make the policy of; `None` for a configuration that is not accepted.
    fn source(&self, size: usize) -> Result<Option<(Hash, Source)>, &'static str> {
        let hash = configuration::hash(size)?;
        // Without one, the images are those of all plugins that have none.
        let root_id = configuration::root_id().unwrap_or_default();
        let images = Images { store: &SharedData, root_id: &root_id };
        if accepted::contains(&SharedData, &hash) {
            let image = images.get(&hash, configuration::reserve);
            let source =
                image.map_or_else(|| configuration::read(size).map(Source::Bytes), |image| Ok(Source::Image(image)));
            return source.map(|source| Some((hash, source)));
        }
        let bytes = configuration::read(size)?;
        let image = match config::compile(&bytes) {
            Ok(image) => image,
            Err(errors) => {
                log::error!("certgate refuses the configuration: {}", errors.summary(LOGGED_ERRORS));
                return Ok(None);
            }
        };
        if let Some(image) = &image {
            images.put(&hash, image);
        }
        if let Err(why) = accepted::add(&SharedData, &hash) {
            log::warn!("the configuration will be read again on each worker: {why}");
        }
        Ok(Some((hash, image.map_or(Source::Bytes(bytes), Source::Image))))
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        match self.source(size) {
            Ok(Some((hash, source))) => {
                self.configuration.accept(hash, source);
                // If there is no tick, the first request takes it up.
                let _ = abi::tick_every(1);
                true
            }
            Ok(None) => false,
            Err(why) => {
                self.configuration.give_up();
                // There may be no memory for more words than these.
                let _ = abi::log_error("certgate answers 503 to everything:");
                let _ = abi::log_error(why);
                true
            }
        }
    }

    fn on_tick(&mut self) {
        let again = self.configuration.in_force(&self.vm).map_or(0, |policy| policy.watch_revocation_lists());
        let _ = abi::tick_every(again);
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(Rc::clone(&self.vm), Rc::clone(&self.configuration))))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
