//! HTTP connection managers and their filters.

use super::place::Place;

/// An HTTP connection manager.
#[derive(Clone)]
pub struct Manager<'d> {
    /// The value of its `typed_config`.
    pub place: Place<'d>,
}

impl<'d> Manager<'d> {
    /// The HTTP filters, in their order.
    pub fn http_filters(&self) -> Vec<HttpFilter<'d>> {
        self.place.list("http_filters").into_iter().map(|place| HttpFilter { place }).collect()
    }

    /// The route configurations in the file: the manager's own, and those of scoped routes.
    pub fn route_configs(&self) -> Vec<Place<'d>> {
        let scoped = self.place.at(&["scoped_routes", "scoped_route_configurations_list"]);
        let scoped = scoped.map(|list| list.list("scoped_route_configurations")).unwrap_or_default();
        let scoped = scoped.into_iter().filter_map(|scope| scope.get("route_configuration"));
        self.place.get("route_config").into_iter().chain(scoped).collect()
    }

    /// The configurations of single filters (`typed_per_filter_config`) of routes, virtual hosts, route configurations and
    /// weighted clusters: the name of the filter, and the value.
    pub fn overrides(&self) -> Vec<(&'d str, Place<'d>)> {
        let places = self.route_configs().into_iter().flat_map(|routes| routes.walk());
        places.filter_map(|place| place.get("typed_per_filter_config")).flat_map(|map| map.entries()).collect()
    }
}

/// An HTTP filter.
#[derive(Clone)]
pub struct HttpFilter<'d> {
    /// The filter's entry in `http_filters`.
    pub place: Place<'d>,
}

impl<'d> HttpFilter<'d> {
    /// The filter's name.
    pub fn name(&self) -> Option<&'d str> {
        self.place.text("name")
    }

    /// The name of the filter's message, such as `Wasm`, from its configuration or, for one that Envoy takes from
    /// elsewhere (`config_discovery`), from the first of its types.
    pub fn message(&self) -> Option<&'d str> {
        let discovered = || {
            let kinds = self.place.get("config_discovery")?.list("type_urls");
            let kind = kinds.first()?.node.as_str()?;
            Some(kind.rsplit_once('.').map_or(kind, |(_, name)| name))
        };
        self.place.get("typed_config").and_then(|config| config.message()).or_else(discovered)
    }

    /// Whether the filter is certgate: a Wasm filter with that name, root or module.
    pub fn is_certgate(&self) -> bool {
        let config = self.place.at(&["typed_config", "config"]);
        let root = config.as_ref().and_then(|config| config.text("root_id"));
        let module = config.and_then(|config| config.at(&["vm_config", "code", "local", "filename"]));
        let module = module.and_then(|file| file.node.as_str().map(str::to_owned));
        let is_its_file = |file: &str| file.rsplit('/').next().is_some_and(|name| name.starts_with("certgate"));
        self.message() == Some("Wasm")
            && (self.name() == Some("certgate")
                || root == Some("certgate")
                || module.as_deref().is_some_and(is_its_file))
    }

    /// Whether the filter is the second part of a guard: RBAC with the policy that lets identified requests through.
    pub fn is_guard(&self) -> bool {
        let identified = |rules: &&str| self.place.at(&["typed_config", rules, "policies", "identified"]).is_some();
        self.message() == Some("RBAC") && ["rules", "shadow_rules"].iter().any(identified)
    }
}
