//! The shipped files of the sidecar, as they are.

use super::credentials::{Credentials, SDS};
use crate::support::bootstrap::shipped;
use crate::support::envoys::{self, VERSIONS, repository};
use crate::support::module;
use crate::support::pki::{Authority, Leaf};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// The inbound listener's connection manager.
const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";

#[test]
fn every_envoy_accepts_it() {
    let authority = Authority::new("the authority");
    let credentials = Credentials::new(&authority.issue(&Leaf::client("cart")), &[&authority]);
    let at = |path: &str| credentials.path(path);
    symlink(module::path(), at("target/certgate.wasm")).unwrap();
    fs::copy(repository().join("envoy/sidecar.yaml"), at("envoy/sidecar.yaml")).unwrap();
    fs::write(at("envoy/static.json"), with_static_secrets().to_string()).unwrap();
    fs::write(at("envoy/spire.json"), with_spire().to_string()).unwrap();
    for version in VERSIONS {
        for file in ["envoy/sidecar.yaml", "envoy/static.json", "envoy/spire.json"] {
            validate(&envoys::version(version), &at(""), file);
        }
    }
}

/// With the secrets in it, since `--mode validate` does not look into watched files.
fn with_static_secrets() -> Value {
    let mut document = without_certgate();
    name_only(&mut document);
    document["static_resources"]["secrets"] = SDS
        .map(|file| {
            let mut secret = shipped(file)["resources"][0].clone();
            secret.as_object_mut().unwrap().remove("@type");
            secret
        })
        .into_iter()
        .collect();
    document
}

/// Takes the sources of secrets away, so that static ones of their names are meant.
fn name_only(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(name_only),
        Value::Object(fields) => {
            fields.remove("sds_config");
            fields.values_mut().for_each(name_only);
        }
        _ => {}
    }
}

/// With the example's secrets and cluster, as the example says.
fn with_spire() -> Value {
    let (mut document, example) = (without_certgate(), shipped("examples/sidecar-spire.yaml"));
    let sockets = [
        "/static_resources/listeners/0/filter_chains/0/transport_socket",
        "/static_resources/clusters/1/transport_socket",
    ];
    for socket in sockets {
        let context = &mut document.pointer_mut(socket).unwrap()["typed_config"]["common_tls_context"];
        for place in
            ["/tls_certificate_sds_secret_configs", "/combined_validation_context/validation_context_sds_secret_config"]
        {
            let field = place.rsplit('/').next().unwrap();
            *context.pointer_mut(place).unwrap() = example[field].clone();
        }
    }
    let clusters = document["static_resources"]["clusters"].as_array_mut().unwrap();
    clusters.extend(example["clusters"].as_array().unwrap().iter().cloned());
    document
}

/// Which takes Envoy longer to load than the rest.
fn without_certgate() -> Value {
    let mut document = shipped("sidecar.yaml");
    let filters = document.pointer_mut(&format!("{MANAGER}/http_filters")).unwrap().as_array_mut().unwrap();
    filters.retain(|filter| filter["name"] != "certgate");
    document
}

fn validate(envoy: &Path, folder: &Path, file: &str) {
    let output = Command::new(envoy).args(["--mode", "validate", "-c", file]).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} refuses {file}:\n{said}", envoy.display());
}

/// What belongs to certgate wherever it is.
#[test]
fn it_is_as_the_other_files_where_they_have_the_same() {
    let (sidecar, edge) = (shipped("sidecar.yaml"), shipped("envoy.yaml"));
    for part in ["/stats_config", "/overload_manager", "/static_resources/listeners/0/access_log"] {
        assert!(edge.pointer(part).is_some(), "{part}");
        assert_eq!(sidecar.pointer(part), edge.pointer(part), "{part}");
    }
    for part in [
        "early_header_mutation_extensions",
        "access_log",
        "forward_client_cert_details",
        "use_remote_address",
        "normalize_path",
        "merge_slashes",
        "path_with_escaped_slashes_action",
        "strip_trailing_host_dot",
        "common_http_protocol_options",
    ] {
        let part = format!("{MANAGER}/{part}");
        assert!(edge.pointer(&part).is_some(), "{part}");
        assert_eq!(sidecar.pointer(&part), edge.pointer(&part), "{part}");
    }
    let filter = |name: &str| {
        let filters = sidecar.pointer(&format!("{MANAGER}/http_filters")).unwrap().as_array().unwrap();
        filters.iter().find(|filter| filter["name"] == name).unwrap()["typed_config"].clone()
    };
    assert_eq!(filter("certgate")["config"]["failure_policy"], "FAIL_RELOAD");
    let identified = json!({
        "permissions": [{"header": {"name": "x-client-alias", "present_match": true}}],
        "principals": [{"any": true}],
    });
    assert_eq!(
        filter("envoy.filters.http.rbac")["rules"],
        json!({"action": "ALLOW", "policies": {"identified": identified}}),
        "no rule of the shipped registry lets anybody through without a client"
    );
}
