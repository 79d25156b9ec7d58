//! An Envoy configuration as its user wrote it: listeners, their filter chains, HTTP connection managers and HTTP filters,
//! each with its path and its place in the text. Must not know what certgate wants of it.

mod http;
mod listener;
mod place;

pub use http::{HttpFilter, Manager};
pub use listener::{FilterChain, Listener};
pub use place::Place;

use crate::diagnostic::Diagnostic;
use crate::load::document::Document;
use crate::load::{self, Format};
use crate::span::Span;

/// An Envoy configuration: a bootstrap, or a file of listeners (`resources`) that Envoy watches.
pub struct EnvoyFile<'t> {
    /// The source.
    pub document: Document<'t>,
}

impl<'t> EnvoyFile<'t> {
    /// The configuration that `bytes` write.
    ///
    /// # Errors
    ///
    /// The bytes are no text in this format, or have no value in them.
    pub fn read(bytes: &'t [u8], format: Format) -> Result<Self, Vec<Diagnostic>> {
        Ok(Self { document: load::read(bytes, format)? })
    }

    /// The whole configuration.
    pub fn root(&self) -> Place<'_> {
        Place::root(self.document.root())
    }

    /// The text of this value.
    pub fn span(&self, place: &Place<'_>) -> Span {
        self.document.span(place.node)
    }

    /// The diagnostic, about this value.
    pub fn about(&self, place: &Place<'_>, diagnostic: Diagnostic) -> Diagnostic {
        diagnostic.at(place.path.to_string(), Some(self.span(place)))
    }

    /// The listeners, in their order.
    pub fn listeners(&self) -> Vec<Listener<'_>> {
        listeners(&self.root())
    }
}

/// The listeners of this configuration, in their order.
pub(crate) fn listeners<'d>(root: &Place<'d>) -> Vec<Listener<'d>> {
    let fixed = root.get("static_resources").map(|resources| resources.list("listeners")).unwrap_or_default();
    let watched = root.list("resources").into_iter().filter(|resource| resource.message() == Some("Listener"));
    fixed.into_iter().chain(watched).map(|place| Listener { place }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
staticResources:
  listeners:
  - name: edge
    listenerFilters:
    - {name: sni, typed_config: {"@type": type.googleapis.com/x.v3.TlsInspector}}
    filter_chains:
    - transport_socket:
        typed_config: {"@type": type.googleapis.com/x.v3.DownstreamTlsContext}
      filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/x.v3.HttpConnectionManager
          route_config:
            typed_per_filter_config: {certgate: {disabled: true}}
            virtual_hosts:
            - {name: a, routes: [{typedPerFilterConfig: {cors: {}}}]}
          http_filters:
          - {name: certgate, config_discovery: {type_urls: [type.googleapis.com/x.v3.Wasm]}}
          - {name: router, typed_config: {"@type": type.googleapis.com/x.v3.Router}}
    default_filter_chain:
      filters: [{name: tcp, typed_config: {"@type": type.googleapis.com/x.v3.TcpProxy}}]
"#;

    #[test]
    fn listeners_chains_managers_and_filters_have_their_paths() {
        let file = EnvoyFile::read(FILE.as_bytes(), Format::Yaml).unwrap_or_else(|_| panic!("no file"));
        let [listener] = &file.listeners()[..] else { panic!("one listener") };
        assert_eq!(listener.name(), Some("edge"));
        assert!(listener.has_listener_filter("TlsInspector") && !listener.has_listener_filter("ProxyProtocol"));
        let chains = listener.filter_chains();
        assert_eq!(chains[1].place.path.to_string(), "staticResources.listeners[0].default_filter_chain");
        assert!(chains[0].tls().is_some() && chains[1].tls().is_none() && chains[1].managers().is_empty());
        let manager = &chains[0].managers()[0];
        let filters = manager.http_filters();
        assert_eq!(filters.iter().map(HttpFilter::message).collect::<Vec<_>>(), [Some("Wasm"), Some("Router")]);
        assert!(filters[0].is_certgate() && !filters[1].is_certgate() && !filters[1].is_guard());
        assert_eq!(manager.overrides().iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["certgate", "cors"]);
        assert_eq!(file.span(&filters[1].place).start.line, 20);
    }
}
