//! Listeners and their filter chains.

use super::http::Manager;
use super::place::Place;

/// A listener.
#[derive(Clone)]
pub struct Listener<'d> {
    /// The listener's value.
    pub place: Place<'d>,
}

impl<'d> Listener<'d> {
    /// The listener's name.
    pub fn name(&self) -> Option<&'d str> {
        self.place.text("name")
    }

    /// The filter chains, in their order, and then the default one.
    pub fn filter_chains(&self) -> Vec<FilterChain<'d>> {
        let chains = self.place.list("filter_chains").into_iter();
        chains.chain(self.place.get("default_filter_chain")).map(|place| FilterChain { place }).collect()
    }

    /// Whether a listener filter with this message is there.
    pub fn has_listener_filter(&self, message: &str) -> bool {
        let filters = self.place.list("listener_filters");
        filters.iter().filter_map(|filter| filter.get("typed_config")).any(|config| config.message() == Some(message))
    }
}

/// A filter chain.
#[derive(Clone)]
pub struct FilterChain<'d> {
    /// The filter chain's value.
    pub place: Place<'d>,
}

impl<'d> FilterChain<'d> {
    /// The configuration of the transport socket: a `DownstreamTlsContext`, or another message.
    pub fn transport(&self) -> Option<Place<'d>> {
        self.place.at(&["transport_socket", "typed_config"])
    }

    /// The `DownstreamTlsContext`, if the chain has TLS over TCP.
    pub fn tls(&self) -> Option<Place<'d>> {
        self.transport().filter(|transport| transport.message() == Some("DownstreamTlsContext"))
    }

    /// The HTTP connection managers.
    pub fn managers(&self) -> Vec<Manager<'d>> {
        let filters = self.place.list("filters").into_iter().filter_map(|filter| filter.get("typed_config"));
        let managers = filters.filter(|config| config.message() == Some("HttpConnectionManager"));
        managers.map(|place| Manager { place }).collect()
    }
}
