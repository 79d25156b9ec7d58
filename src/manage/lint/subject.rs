//! The subject of a lint: one certgate in one list of HTTP filters, with the parts of the configuration around it. Must
//! not judge any of them.

use super::files::{Files, Located};
use crate::envoy_file::{FilterChain, HttpFilter, Listener, Manager, Place};

/// A connection manager, and the parts around it.
pub(super) struct Around<'f> {
    pub(super) listener: Listener<'f>,
    pub(super) chain: FilterChain<'f>,
    pub(super) manager: Manager<'f>,
}

/// All connection managers, each with the parts around it.
pub(super) fn managers(listeners: Vec<Listener<'_>>) -> Vec<Around<'_>> {
    let mut all = Vec::new();
    for listener in listeners {
        for chain in listener.filter_chains() {
            let managers = chain.managers().into_iter();
            all.extend(managers.map(|manager| Around { listener: listener.clone(), chain: chain.clone(), manager }));
        }
    }
    all
}

/// A certgate among HTTP filters.
#[derive(Clone)]
pub(super) struct Certgate<'f> {
    /// The index in the list of filters.
    pub(super) index: usize,
    /// The HTTP filter.
    pub(super) filter: HttpFilter<'f>,
    /// The `PluginConfig`, if it is in a file that was read.
    pub(super) plugin: Option<Located<'f>>,
}

impl<'f> Certgate<'f> {
    /// The first certgate among these filters.
    pub(super) fn among(filters: &[HttpFilter<'f>], files: Files<'f>) -> Option<Self> {
        filters.iter().enumerate().find_map(|(index, filter)| {
            let plugin = match filter.place.get("config_discovery") {
                Some(discovery) => files.extension(&discovery, filter.name().unwrap_or_default()),
                None => filter.place.get("typed_config").map(|place| Located { source: files.here, place }),
            };
            let plugin = plugin.filter(|plugin| plugin.place.message() == Some("Wasm"));
            let plugin =
                plugin.and_then(|Located { source, place }| Some(Located { source, place: place.get("config")? }));
            let is_it = filter.is_certgate() || plugin.as_ref().is_some_and(|plugin| has_registry(&plugin.place));
            is_it.then(|| Self { index, filter: filter.clone(), plugin })
        })
    }

    /// The name of the HTTP filter.
    pub(super) fn name(&self) -> &'f str {
        self.filter.name().unwrap_or_default()
    }
}

/// Whether a plugin's configuration looks like a registry.
fn has_registry(plugin: &Place<'_>) -> bool {
    let value = plugin.at(&["configuration", "value"]);
    value.is_some_and(|value| value.node.get("version").is_some() && value.node.get("clients").is_some())
}
