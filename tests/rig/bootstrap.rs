//! The configuration of a test's Envoy: the shipped one, with ports, paths and certificates of its own, and whatever a
//! test changes in it.

mod http;
mod tls;

use super::envoys::{self, repository};
use super::module;
use super::world::World;
use data_encoding::BASE64;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const TYPE: &str = "type.googleapis.com/";

/// The Envoys that have no property for the peer's certificate, nor one for whether it is verified.
pub const WITHOUT_CERTIFICATE: [&str; 2] = ["1.36.4", "1.37.0"];

/// Which client certificates a listener accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients {
    /// None, or one that the trusted authority signed: as shipped.
    Optional,
    /// One that the trusted authority signed.
    Required,
    /// None, or one that the trusted authority signed, whatever the date.
    AnyDate,
    /// None, or any.
    AcceptUntrusted,
    /// It says that it requires one, but not signed by whom: Envoy then asks for none.
    RequiredByNobody,
    /// There is no TLS at all.
    PlainText,
}

/// In what form the plugin configuration is handed to Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As shipped: a `google.protobuf.Struct`, which Envoy hands on as protobuf bytes.
    Struct,
    /// JSON text in a `google.protobuf.StringValue`, as Istio does.
    Json,
    /// JSON text in a `google.protobuf.BytesValue`.
    Bytes,
}

/// A configuration that can be started with [`super::envoy::Envoy`].
#[derive(Debug)]
pub struct Bootstrap {
    /// Its files, and the files of the Envoy that it becomes.
    pub(super) dir: TempDir,
    pub(super) document: Value,
    pub(super) resource: Option<Resource>,
    pub(super) at_start: AtStart,
    pub(super) envoy: PathBuf,
    pub(super) concurrency: u32,
    pub(super) arguments: Vec<String>,
}

/// What the watched file is when Envoy starts.
#[derive(Clone, Debug)]
pub(super) enum AtStart {
    /// The registry.
    Registry,
    /// This text.
    Text(String),
    /// Not there.
    Absent,
}

/// The watched file's content.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub(super) document: Value,
    form: Form,
}

impl Resource {
    /// The file with this registry.
    pub(super) fn text(&self, registry: &Value) -> String {
        let mut resource = self.clone();
        resource.set(registry);
        resource.document.to_string()
    }

    fn set(&mut self, registry: &Value) {
        self.plugin()["configuration"] = configuration(self.form, registry);
    }

    fn plugin(&mut self) -> &mut Value {
        &mut self.document["resources"][0]["typed_config"]["config"]
    }
}

impl Bootstrap {
    /// `envoy/envoy.yaml` in this world, with this registry.
    pub fn inline(world: &World, registry: &Value) -> Self {
        let mut bootstrap = Self::shipped("envoy.yaml", world);
        bootstrap.plugin()["configuration"] = configuration(Form::Struct, registry);
        bootstrap.use_module(&module::path());
        bootstrap
    }

    /// `envoy/envoy-ecds.yaml` and `envoy/registry-ecds.yaml` in this world, with this registry.
    pub fn ecds(world: &World, registry: &Value) -> Self {
        let mut bootstrap = Self::shipped("envoy-ecds.yaml", world);
        let mut resource = Resource { document: shipped("registry-ecds.yaml"), form: Form::Struct };
        resource.set(registry);
        bootstrap.resource = Some(resource);
        let (path, folder) = (bootstrap.ecds_path(), bootstrap.dir.path().to_owned());
        let source = &mut bootstrap.certgate()["config_discovery"]["config_source"]["path_config_source"];
        *source = json!({"path": path, "watched_directory": {"path": folder}});
        bootstrap.use_module(&module::path());
        bootstrap
    }

    /// A document like `envoy/envoy.yaml`, in this world, with the registry that it has.
    pub fn in_world(world: &World, document: Value) -> Self {
        let mut bootstrap = Self::at_home(world, document);
        bootstrap.use_module(&module::path());
        bootstrap
    }

    /// This document as it is.
    pub fn of(document: Value) -> Self {
        Self {
            dir: TempDir::with_prefix("certgate-").expect("a temporary folder"),
            document,
            resource: None,
            at_start: AtStart::Registry,
            envoy: envoys::pinned(),
            concurrency: 2,
            arguments: Vec::new(),
        }
    }

    fn shipped(file: &str, world: &World) -> Self {
        Self::at_home(world, shipped(file))
    }

    fn at_home(world: &World, document: Value) -> Self {
        let mut bootstrap = Self::of(document);
        set_port(&mut bootstrap.document["admin"]["address"], 0);
        set_port(&mut bootstrap.document["static_resources"]["listeners"][0]["address"], 0);
        for (name, upstream) in [("default", &world.default), ("gold", &world.gold)] {
            let endpoint =
                &mut bootstrap.cluster(name)["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
            set_port(&mut endpoint["address"], upstream.port());
        }
        let tls = &mut bootstrap.tls()["common_tls_context"];
        tls["tls_certificates"] = json!([{
            "certificate_chain": {"inline_string": world.server.certificate_pem},
            "private_key": {"inline_string": world.server.key_pem},
        }]);
        // In the place of the file that Envoy watches; a test can have one with `authorities_in`.
        remove(tls, "validation_context_sds_secret_config");
        tls["validation_context"]["trusted_ca"] = json!({"inline_string": world.authority.identity().certificate_pem});
        let (access_log, connection_log) = (bootstrap.access_log_path(), bootstrap.connection_log_path());
        for logger in bootstrap.listener()["access_log"].as_array_mut().into_iter().flatten() {
            logger["typed_config"]["path"] = json!(connection_log);
        }
        for logger in bootstrap.connection_manager()["access_log"].as_array_mut().expect("access loggers") {
            logger["typed_config"]["path"] = json!(access_log);
        }
        bootstrap
    }

    /// The configuration.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Of this version (see [`envoys::VERSIONS`]) instead of the pinned one.
    pub fn version(mut self, version: &str) -> Self {
        self.envoy = envoys::version(version);
        self
    }

    /// With so many workers instead of two.
    pub fn concurrency(mut self, workers: u32) -> Self {
        self.concurrency = workers;
        self
    }

    /// With one more argument on Envoy's command line.
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// With everything that a Wasm module and its host log.
    pub fn wasm_trace(self) -> Self {
        self.argument("--component-log-level").argument("wasm:trace")
    }

    /// With this module instead of the built one.
    pub fn module(mut self, path: &Path) -> Self {
        self.use_module(path);
        self
    }

    /// With this text in the watched file when Envoy starts, instead of the registry; or without the file. It is YAML then,
    /// as shipped.
    pub fn watched_file_at_start(mut self, text: Option<&str>) -> Self {
        self.at_start = text.map_or(AtStart::Absent, |text| AtStart::Text(text.to_owned()));
        let path = self.ecds_path();
        self.certgate()["config_discovery"]["config_source"]["path_config_source"]["path"] = json!(path);
        self
    }

    /// With the configuration in this form.
    pub fn form(mut self, form: Form) -> Self {
        let registry = self.plugin()["configuration"]["value"].clone();
        self.plugin()["configuration"] = configuration(form, &registry);
        if let Some(resource) = &mut self.resource {
            resource.form = form;
        }
        self
    }

    /// With `FAIL_CLOSED` or another policy instead of the shipped `FAIL_RELOAD`.
    pub fn failure_policy(self, policy: &str) -> Self {
        self.edit_plugin(|plugin| plugin["failure_policy"] = json!(policy))
    }

    /// With this identity of its shared data.
    pub fn ids(self, vm_id: &str, root_id: &str) -> Self {
        self.edit_plugin(|plugin| {
            plugin["vm_config"]["vm_id"] = json!(vm_id);
            plugin["root_id"] = json!(root_id);
        })
    }

    /// Without the native guard, so that only certgate is between a caller and an upstream.
    pub fn without_guard(self) -> Self {
        self.edit(|connection_manager| {
            remove(connection_manager, "early_header_mutation_extensions");
            filters(connection_manager).retain(|filter| filter["name"] != "envoy.filters.http.rbac");
        })
    }

    /// Without certgate, as after a failure that makes Envoy skip it.
    pub fn without_certgate(mut self) -> Self {
        self.resource = None;
        self.edit(|connection_manager| filters(connection_manager).retain(|filter| filter["name"] != "certgate"))
    }

    /// Handing connections to the workers in turn, so that a few connections are on all of them.
    pub fn spread_evenly(mut self) -> Self {
        self.listener()["connection_balance_config"] = json!({"exact_balance": {}});
        self
    }

    /// With the filters of a file in `envoy/examples/`, certgate's among them, instead of the shipped ones.
    pub fn example(self, file: &str) -> Self {
        let example = shipped(&format!("examples/{file}"));
        self.edit(|connection_manager| connection_manager["http_filters"] = example["http_filters"].clone())
            .module(&module::path())
    }

    /// With one more listener like the first one as it is now, with this name, and this registry in its plugin.
    pub fn another_listener(mut self, name: &str, registry: &Value) -> Self {
        assert!(self.resource.is_none(), "a listener with a registry of its own needs it inline");
        let first = self.listener().clone();
        let form = form_of(&self.plugin()["configuration"]);
        self.listener()["name"] = json!(name);
        self.plugin()["configuration"] = configuration(form, registry);
        let listeners = self.document["static_resources"]["listeners"].as_array_mut().expect("listeners");
        listeners.insert(0, first);
        self
    }

    /// With anything else about the first listener's connection manager changed.
    pub fn edit(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(self.connection_manager());
        self
    }

    /// With anything else about the plugin changed.
    pub fn edit_plugin(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(self.plugin());
        self
    }

    /// The listener trusts these authorities and no other.
    pub fn trusting(self, authorities: &str) -> Self {
        self.edit_document(|document| {
            let chain = &mut document["static_resources"]["listeners"][0]["filter_chains"][0];
            let tls = &mut chain["transport_socket"]["typed_config"]["common_tls_context"];
            tls["validation_context"]["trusted_ca"] = json!({"inline_string": authorities});
        })
    }

    /// With anything else changed.
    pub fn edit_document(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.document);
        self
    }

    fn use_module(&mut self, path: &Path) {
        self.plugin()["vm_config"]["code"]["local"]["filename"] = json!(path);
    }

    fn listener(&mut self) -> &mut Value {
        &mut self.document["static_resources"]["listeners"][0]
    }

    fn tls(&mut self) -> &mut Value {
        &mut self.listener()["filter_chains"][0]["transport_socket"]["typed_config"]
    }

    fn connection_manager(&mut self) -> &mut Value {
        &mut self.listener()["filter_chains"][0]["filters"][0]["typed_config"]
    }

    fn certgate(&mut self) -> &mut Value {
        let filters = filters(self.connection_manager());
        filters.iter_mut().find(|filter| filter["name"] == "certgate").expect("certgate among the filters")
    }

    /// The `PluginConfig`, wherever it is.
    fn plugin(&mut self) -> &mut Value {
        if self.resource.is_none() {
            return &mut self.certgate()["typed_config"]["config"];
        }
        self.resource.as_mut().expect("just seen").plugin()
    }

    fn cluster(&mut self, name: &str) -> &mut Value {
        let clusters = self.document["static_resources"]["clusters"].as_array_mut().expect("clusters");
        clusters.iter_mut().find(|cluster| cluster["name"] == name).expect("a cluster with this name")
    }

    /// JSON, which Envoy reads far quicker, where a test does not write the text itself.
    pub(super) fn ecds_path(&self) -> PathBuf {
        let is_json = matches!(self.at_start, AtStart::Registry);
        self.dir.path().join(if is_json { "registry-ecds.json" } else { "registry-ecds.yaml" })
    }

    pub(super) fn connection_log_path(&self) -> PathBuf {
        self.dir.path().join("connections.log")
    }

    pub(super) fn access_log_path(&self) -> PathBuf {
        self.dir.path().join("access.log")
    }
}

/// A file in `envoy/`.
pub fn shipped(file: &str) -> Value {
    let path = repository().join("envoy").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn configuration(form: Form, registry: &Value) -> Value {
    let (kind, value) = match form {
        Form::Struct => ("Struct", registry.clone()),
        Form::Json => ("StringValue", json!(registry.to_string())),
        Form::Bytes => ("BytesValue", json!(BASE64.encode(registry.to_string().as_bytes()))),
    };
    json!({"@type": format!("{TYPE}google.protobuf.{kind}"), "value": value})
}

fn form_of(configuration: &Value) -> Form {
    match configuration["@type"].as_str().and_then(|kind| kind.rsplit('.').next()) {
        Some("StringValue") => Form::Json,
        Some("BytesValue") => Form::Bytes,
        _ => Form::Struct,
    }
}

fn filters(connection_manager: &mut Value) -> &mut Vec<Value> {
    connection_manager["http_filters"].as_array_mut().expect("filters")
}

fn set_port(address: &mut Value, port: u16) {
    address["socket_address"]["port_value"] = json!(port);
}

fn remove(object: &mut Value, key: &str) {
    object.as_object_mut().expect("an object").remove(key);
}
