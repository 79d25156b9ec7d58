//! One request and its response. A request is decided under one configuration. Afterwards its stream keeps only the
//! data that trailers and response need.

use super::abi::{self, Map};
use super::clocks::Clocks;
use super::configuration::Configuration;
use super::pairs;
#[cfg(feature = "bandwidth")]
use super::shared_data::Plugin;
use super::vm_state::VmState;
use super::worker::{Connection, Undecided};
use certgate_core::domain::cause::Cause;
use certgate_core::domain::headers::OwnedHeaders;
use certgate_core::engine::reply::Reply;
use certgate_core::engine::{Forward, Outcome, ResponseHeaders, apply, strip};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::rc::Rc;
use std::sync::Arc;

/// The stream of one request.
pub(super) struct Stream {
    vm: Rc<VmState>,
    configuration: Rc<Configuration>,
    /// The names that trailers must not have, once the request is forwarded.
    owned: Option<Arc<OwnedHeaders>>,
    forward: Forward,
    /// The plugin whose ledger the bytes of bodies are charged to.
    #[cfg(feature = "bandwidth")]
    plugin: Option<Rc<Plugin>>,
}

impl Stream {
    pub(super) fn new(vm: Rc<VmState>, configuration: Rc<Configuration>) -> Self {
        Self {
            vm,
            configuration,
            owned: None,
            forward: Forward::default(),
            #[cfg(feature = "bandwidth")]
            plugin: None,
        }
    }

    fn handle(&mut self) -> Outcome {
        let active = self.configuration.active(&self.vm);
        let bytes = abi::pairs(Map::REQUEST_HEADERS).unwrap_or_default();
        match (&active, pairs::parse(&bytes)) {
            // Every request has headers: an empty list is a call that failed.
            (Some(active), Some(headers)) if !bytes.is_empty() => {
                let (ledger, telemetry) = (active.plugin.ledger(&self.vm), active.on(&self.vm));
                let request = &Map::REQUEST_HEADERS;
                let outcome =
                    apply::handle(&active.policy.engine, &Connection, &ledger, &Clocks, request, &telemetry, headers);
                if let Outcome::Forward(_) = outcome {
                    self.owned = Some(active.policy.engine.owned());
                    #[cfg(feature = "bandwidth")]
                    {
                        self.plugin = Some(Rc::clone(&active.plugin));
                    }
                }
                outcome
            }
            (active, headers) => {
                let audit = active.as_ref().map(|active| active.policy.engine.policy().audit).unwrap_or_default();
                let cause = if active.is_some() { Cause::HostCallFailed } else { Cause::NoConfiguration };
                let content_type = headers.into_iter().flatten().find(|(name, _)| name == b"content-type");
                apply::refuse_undecided(&Undecided { vm: &self.vm, audit }, cause, content_type.map(|(_, value)| value))
            }
        }
    }

    /// Answers the request. The request is not forwarded even if the answer fails.
    fn answer(&self, reply: &Reply) -> Action {
        if let Err(failure) = abi::reply(reply) {
            self.vm.log.report_fault(|| format!("a request got no answer: {failure}"));
        }
        Action::Pause
    }
}

#[cfg(feature = "bandwidth")]
impl Stream {
    /// Counts a piece of a body. Pieces are never held back.
    fn count(&mut self, size: usize) {
        if let (Some(bytes), Some(plugin)) = (&mut self.forward.byte_count, &self.plugin) {
            bytes.count(&plugin.ledger(&self.vm), &Clocks, u64::try_from(size).unwrap_or(u64::MAX));
        }
    }
}

#[cfg(feature = "bandwidth")]
impl Drop for Stream {
    fn drop(&mut self) {
        if let (Some(bytes), Some(plugin)) = (&mut self.forward.byte_count, &self.plugin)
            && let Err(uncharged) = bytes.finish(&plugin.ledger(&self.vm), &Clocks)
        {
            self.vm.log.report_fault(|| uncharged.to_string());
        }
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        match self.handle() {
            Outcome::Forward(forward) => {
                self.forward = forward;
                Action::Continue
            }
            Outcome::Reply(reply) => self.answer(&reply),
        }
    }

    #[cfg(feature = "bandwidth")]
    fn on_http_request_body(&mut self, size: usize, _: bool) -> Action {
        self.count(size);
        Action::Continue
    }

    #[cfg(feature = "bandwidth")]
    fn on_http_response_body(&mut self, size: usize, _: bool) -> Action {
        self.count(size);
        Action::Continue
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        let Some(owned) = &self.owned else { return Action::Pause };
        let Ok(bytes) = abi::pairs(Map::REQUEST_TRAILERS) else { return Action::Pause };
        let stripped =
            pairs::parse(&bytes).map(|trailers| strip(owned, &Map::REQUEST_TRAILERS, trailers.map(|(name, _)| name)));
        // Trailers that may still have an owned name are held back, and the request with them.
        if let Some(Ok(())) = stripped { Action::Continue } else { Action::Pause }
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        for (name, value) in self.forward.headers.take().iter().flat_map(ResponseHeaders::pairs) {
            // The response goes on without headers that cannot be set.
            let _ = abi::set(Map::RESPONSE_HEADERS, name.as_bytes(), value.as_bytes());
        }
        Action::Continue
    }
}
