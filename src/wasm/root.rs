//! The root context: whether a configuration is accepted.
//!
//! `on_configure` must give one answer in every VM, and must not trap on a worker: in both cases Envoy would skip the
//! filter and let everything through, whatever its failure policy. So its answer depends on the configuration's bytes
//! alone, a worker does not parse them there (unless over a thousand other configurations were accepted since) but takes
//! what the canary compiled, or the bytes, and whatever else goes wrong leaves a filter that answers 503.

use super::abi;
use super::accepted;
use super::configuration::{self, Configuration, LOGGED_ERRORS, NO_MEMORY};
use super::images::{Found, Images, Source};
use super::shared_data::SharedData;
use super::stream::Stream;
use super::worker::Vm;
use certgate_core::config::{self, Capabilities};
use certgate_core::engine::generation::Hash;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use std::rc::Rc;

thread_local! {
    static VM: Rc<Vm> = Rc::default();
}

/// Only the module with callbacks for bodies counts bytes.
const CAPABILITIES: Capabilities = Capabilities { bytes: cfg!(feature = "bandwidth") };

/// Milliseconds after which what could not be taken up is tried again.
const RETRY: u32 = 1000;

/// One configuration of the filter in one VM.
pub(super) struct Root {
    vm: Rc<Vm>,
    configuration: Rc<Configuration>,
}

impl Root {
    pub(super) fn new() -> Self {
        let (vm, configuration) = (VM.with(Rc::clone), Rc::default());
        vm.configurations.add(&configuration);
        Self { vm, configuration }
    }

    /// What to make the policy of; `None` for a configuration that is not accepted.
    fn source(&self, size: usize) -> Result<Option<(Hash, Source)>, &'static str> {
        // First of all: the memory that was spared for a piece of the configuration is whole only now.
        let hash = configuration::hash(size)?;
        // Without one, the images are those of all plugins that have none.
        let root_id = configuration::root_id().unwrap_or_default();
        self.vm.configurations.release_former(&root_id);
        let images = Images { store: &SharedData, root_id: &root_id };
        if accepted::contains(&SharedData, &hash) {
            return Ok(Some((hash, accepted_source(&images, &hash, size))));
        }
        let bytes = configuration::read(size)?;
        let image = match config::compile(&bytes, CAPABILITIES) {
            Ok(image) => image,
            Err(errors) => {
                log::error!("certgate refuses the configuration: {}", errors.summary(LOGGED_ERRORS));
                return Ok(None);
            }
        };
        let source = image.map_or(Source::Bytes(bytes), Source::Image);
        images.put(&hash, &source, &|_| true);
        if let Err(why) = accepted::add(&SharedData, &hash) {
            log::warn!("the configuration will be read again on each worker: {why}");
        }
        Ok(Some((hash, source)))
    }
}

/// A configuration that was accepted: from shared data, or else from Envoy, and then it is put there for those who come
/// later. What there is no memory for is looked for there again.
fn accepted_source(images: &Images<'_>, hash: &Hash, size: usize) -> Source {
    let read = match images.take(hash, &configuration::reserve) {
        Found::Here(source) => return source,
        Found::TooLarge => Err(NO_MEMORY),
        Found::Nothing => configuration::read(size),
    };
    match read.map(Source::Bytes) {
        Ok(source) => {
            images.put(hash, &source, &configuration::reserve);
            source
        }
        Err(why) => {
            // There may be no memory for more words than these.
            let _ = abi::log_error("certgate answers 503 until the configuration can be had:");
            let _ = abi::log_error(why);
            Source::Shared
        }
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        self.vm.configurations.retire(&self.configuration);
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        self.vm.spare.free();
        let source = self.source(size);
        self.vm.spare.keep();
        match source {
            Ok(Some((hash, source))) => {
                self.configuration.accept(hash, source);
                // If there is no tick, the first request takes it up.
                let _ = abi::tick_every(1);
                true
            }
            Ok(None) => false,
            Err(why) => {
                self.configuration.give_up();
                let _ = abi::log_error("certgate answers 503 to everything:");
                let _ = abi::log_error(why);
                true
            }
        }
    }

    fn on_tick(&mut self) {
        let again = match self.configuration.in_force(&self.vm) {
            Some(policy) => policy.watch_revocation_lists(),
            None if self.configuration.hash().is_some() => RETRY,
            None => 0,
        };
        let _ = abi::tick_every(again);
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(Rc::clone(&self.vm), Rc::clone(&self.configuration))))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
