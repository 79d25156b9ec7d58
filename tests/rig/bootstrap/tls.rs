//! What a test's Envoy does in TLS: which client certificates it accepts, whom it trusts, and how certgate sees the
//! certificate.

use super::super::pki::Authority;
use super::{Bootstrap, Clients, TYPE, WITHOUT_CERTIFICATE, filters, remove, shipped};
use serde_json::{Value, json};
use std::path::Path;

impl Bootstrap {
    /// With client certificates of this kind.
    pub fn clients(mut self, clients: Clients) -> Self {
        let tls = self.tls();
        let validation = &mut tls["common_tls_context"]["validation_context"];
        match clients {
            Clients::Optional => {}
            Clients::Required => tls["require_client_certificate"] = json!(true),
            Clients::AnyDate => validation["allow_expired_certificate"] = json!(true),
            Clients::AcceptUntrusted => validation["trust_chain_verification"] = json!("ACCEPT_UNTRUSTED"),
            Clients::RequiredByNobody => {
                remove(&mut tls["common_tls_context"], "validation_context");
                tls["require_client_certificate"] = json!(true);
            }
            Clients::PlainText => remove(&mut self.listener()["filter_chains"][0], "transport_socket"),
        }
        self
    }

    /// With the peer's certificate in filter state, where certgate looks for it under Envoys that have no property for it.
    pub fn certificate_in_filter_state(self) -> Self {
        self.certificate_text_in_filter_state("%DOWNSTREAM_PEER_CERT%")
    }

    /// With this text in the peer's certificate's place in filter state.
    pub fn certificate_text_in_filter_state(self, text: &str) -> Self {
        let filter = json!({
            "name": "envoy.filters.http.set_filter_state",
            "typed_config": {
                "@type": format!("{TYPE}envoy.extensions.filters.http.set_filter_state.v3.Config"),
                "on_request_headers": [{
                    "object_key": "certgate.peer_certificate",
                    "factory_key": "envoy.string",
                    "format_string": {"text_format_source": {"inline_string": text}},
                }],
            },
        });
        self.edit(|connection_manager| filters(connection_manager).insert(0, filter))
    }

    /// With this payload of a token that was verified before certgate, as `jwt_authn` leaves it.
    pub fn verified_token(self, payload: &Value) -> Self {
        let filter = json!({
            "name": "envoy.filters.http.set_metadata",
            "typed_config": {
                "@type": format!("{TYPE}envoy.extensions.filters.http.set_metadata.v3.Config"),
                "metadata": [{
                    "metadata_namespace": "envoy.filters.http.jwt_authn",
                    "value": {"certgate": payload},
                }],
            },
        });
        self.edit(|connection_manager| filters(connection_manager).insert(0, filter))
    }

    /// Of this version, showing certgate the peer's certificate in the way that this version has.
    pub fn version_that_shows_certificates(self, version: &str) -> Self {
        let bootstrap = self.version(version);
        if WITHOUT_CERTIFICATE.contains(&version) { bootstrap.certificate_in_filter_state() } else { bootstrap }
    }

    /// Trusting client certificates of this authority too.
    pub fn trust(mut self, authority: &Authority) -> Self {
        let trusted = &mut self.tls()["common_tls_context"]["validation_context"]["trusted_ca"]["inline_string"];
        *trusted = json!([trusted.as_str().expect("PEM text"), &authority.identity().certificate_pem].concat());
        self
    }

    /// Resuming TLS sessions, as Envoy does where it is not told otherwise.
    pub fn resuming(mut self) -> Self {
        let tls = self.tls();
        remove(tls, "disable_stateless_session_resumption");
        remove(tls, "disable_stateful_session_resumption");
        self
    }

    /// Trusting for client certificates the authorities in this file, a secret that Envoy watches as the shipped one.
    pub fn authorities_in(mut self, file: &Path) -> Self {
        let pointer = "/static_resources/listeners/0/filter_chains/0/transport_socket/typed_config/common_tls_context";
        let shipped = shipped("envoy.yaml");
        let mut secret =
            shipped.pointer(pointer).expect("a TLS context")["validation_context_sds_secret_config"].clone();
        let folder = file.parent().expect("a folder");
        secret["sds_config"]["path_config_source"] = json!({"path": file, "watched_directory": {"path": folder}});
        let context = &mut self.tls()["common_tls_context"];
        let mut validation = context["validation_context"].take();
        remove(&mut validation, "trusted_ca");
        remove(context, "validation_context");
        if validation == json!({}) {
            context["validation_context_sds_secret_config"] = secret;
        } else {
            context["combined_validation_context"] =
                json!({"default_validation_context": validation, "validation_context_sds_secret_config": secret});
        }
        self
    }

    /// Reading the host that a TLS connection is made for, without which nothing behind it knows.
    pub fn tls_inspector(mut self) -> Self {
        let kind = format!("{TYPE}envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector");
        let filter = json!({"name": "envoy.filters.listener.tls_inspector", "typed_config": {"@type": kind}});
        self.listener()["listener_filters"] = json!([filter]);
        self
    }
}
