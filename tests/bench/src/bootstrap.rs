//! Envoy configurations that are made and not written: certgate's, from the shipped one.

use crate::places::{FOLDER, at, read, write};
use crate::support::pki::Identity;
use crate::support::registry::{by_fingerprint, merge, registry};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::path::Path;

/// What a check replaces by a number that can be used up. The peers' files have it too.
pub(crate) const ENDLESS: &str = "1000000000";

/// In which form certgate is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Certgate {
    /// Responses say what is left.
    pub(crate) response_headers: bool,
    /// With the native guard of the shipped configuration.
    pub(crate) guard: bool,
    /// With its access log and overload manager.
    pub(crate) surroundings: bool,
    /// What a client may.
    pub(crate) limit: Limit,
    /// Among how many rules the one is that decides; 0: there are none.
    pub(crate) rules: usize,
}

/// What a client may.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// More than it can.
    Endless,
    /// One request, and that is that.
    One,
}

impl Certgate {
    /// The configuration in which these clients are known, at this port.
    pub(crate) fn bootstrap(self, port: u16, clients: &[(String, &Identity)]) -> Result<Value> {
        let text = read(&at("envoy/envoy.yaml"))?
            .replace("target/demo/", &format!("{FOLDER}/"))
            .replace("target/certgate.wasm", &format!("{FOLDER}/certgate.wasm"));
        let mut document: Value = serde_saphyr::from_str(&text).context("envoy/envoy.yaml")?;
        without(&mut document, "admin");
        // Nothing is behind Envoy: it answers itself.
        without(&mut document["static_resources"], "clusters");
        if !self.surroundings {
            without(&mut document, "overload_manager");
            without(listener(&mut document), "listener_filters");
            without(listener(&mut document), "access_log");
        }
        listener(&mut document)["address"]["socket_address"]["port_value"] = json!(port);
        // The authorities as the peers have them: no request waits for them.
        let tls =
            &mut listener(&mut document)["filter_chains"][0]["transport_socket"]["typed_config"]["common_tls_context"];
        without(tls, "validation_context_sds_secret_config");
        tls["validation_context"] = json!({"trusted_ca": {"filename": format!("{FOLDER}/ca.pem")}});
        let manager = connection_manager(&mut document);
        // Nor is there anybody who would take traces.
        without(manager, "tracing");
        manager["route_config"]["virtual_hosts"][0]["routes"] =
            json!([{"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "ok\n"}}}]);
        if self.surroundings {
            for logger in manager["access_log"].as_array_mut().context("access loggers")? {
                logger["typed_config"]["path"] = json!(format!("{FOLDER}/access.log"));
            }
        } else {
            without(manager, "access_log");
        }
        let filters = manager["http_filters"].as_array_mut().context("filters")?;
        let certgate = filters.iter_mut().find(|filter| filter["name"] == "certgate").context("certgate")?;
        certgate["typed_config"]["config"]["configuration"]["value"] = self.registry(clients);
        if !self.guard {
            filters.retain(|filter| filter["name"] != "envoy.filters.http.rbac");
            without(manager, "early_header_mutation_extensions");
        }
        Ok(document)
    }

    fn rules(self) -> Value {
        let other =
            |number| json!({"match": {"path": format!("/v1/resource-{number}/{{id}}/**")}, "groups": ["others"]});
        let ours = (self.rules > 0).then(|| json!({"match": {"path": "/orders/{id}", "methods": ["GET"]}}));
        (1..self.rules).map(other).chain(ours).collect()
    }

    fn registry(self, clients: &[(String, &Identity)]) -> Value {
        let client = |(alias, identity): &(String, &Identity)| by_fingerprint(alias, "gold", &identity.fingerprint());
        let requests = match self.limit {
            Limit::Endless => json!(ENDLESS.parse::<u64>().unwrap_or(u64::MAX)),
            Limit::One => json!(1),
        };
        let tiers = [("gold", json!([{"name": "yearly", "requests": requests, "per": "365d"}]))];
        let rate_limit_headers = if self.response_headers { "ietf" } else { "off" };
        let options = json!({"rate_limit_headers": rate_limit_headers, "rules": self.rules()});
        merge(registry(&tiers, &clients.iter().map(client).collect::<Vec<_>>()), &options)
    }
}

/// The first listener.
pub(crate) fn listener(document: &mut Value) -> &mut Value {
    &mut document["static_resources"]["listeners"][0]
}

/// Its connection manager.
pub(crate) fn connection_manager(document: &mut Value) -> &mut Value {
    &mut listener(document)["filter_chains"][0]["filters"][0]["typed_config"]
}

/// Takes a field out of an object.
pub(crate) fn without(object: &mut Value, field: &str) {
    if let Some(fields) = object.as_object_mut() {
        fields.remove(field);
    }
}

/// Reads a configuration.
pub(crate) fn load(path: &Path) -> Result<Value> {
    serde_saphyr::from_str(&read(path)?).with_context(|| path.display().to_string())
}

/// Writes a configuration, as YAML that people can read and run.
pub(crate) fn save(path: &Path, document: &Value) -> Result<()> {
    write(path, &serde_saphyr::to_string(document)?)
}
