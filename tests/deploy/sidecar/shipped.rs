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

#[test]
fn every_envoy_accepts_it() {
    let authority = Authority::new("the authority");
    let credentials = Credentials::new(&authority.issue(&Leaf::client("cart")), &[&authority]);
    let at = |path: &str| credentials.path(path);
    symlink(module::path(), at("target/certgate.wasm")).unwrap();
    fs::copy(repository().join("envoy/sidecar.yaml"), at("envoy/sidecar.yaml")).unwrap();
    // `--mode validate` does not look into the watched files. As part of a bootstrap, it does.
    let secrets = SDS.map(|file| {
        let mut secret = shipped(file)["resources"][0].clone();
        secret.as_object_mut().unwrap().remove("@type");
        secret
    });
    let mut merged = shipped("sidecar.yaml");
    name_only(&mut merged);
    merged["static_resources"]["secrets"] = json!(secrets);
    fs::write(at("envoy/merged.json"), merged.to_string()).unwrap();
    for version in VERSIONS {
        for file in ["envoy/sidecar.yaml", "envoy/merged.json"] {
            validate(&envoys::version(version), &at(""), file);
        }
    }
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

fn validate(envoy: &Path, folder: &Path, file: &str) {
    let output = Command::new(envoy).args(["--mode", "validate", "-c", file]).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} refuses {file}:\n{said}", envoy.display());
}

/// What belongs to certgate wherever it is.
#[test]
fn it_is_as_the_other_files_where_they_have_the_same() {
    let (sidecar, edge) = (shipped("sidecar.yaml"), shipped("envoy.yaml"));
    for part in ["/stats_config", "/overload_manager"] {
        assert_eq!(sidecar.pointer(part), edge.pointer(part), "{part}");
    }
    let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    for part in [
        "early_header_mutation_extensions",
        "access_log",
        "forward_client_cert_details",
        "use_remote_address",
        "normalize_path",
        "merge_slashes",
        "path_with_escaped_slashes_action",
        "common_http_protocol_options",
    ] {
        let part = format!("{manager}/{part}");
        assert!(edge.pointer(&part).is_some(), "{part}");
        assert_eq!(sidecar.pointer(&part), edge.pointer(&part), "{part}");
    }
    assert_eq!(
        sidecar.pointer(&format!("{manager}/http_filters/0/typed_config/config/failure_policy")),
        Some(&json!("FAIL_RELOAD"))
    );
    let policies = &sidecar.pointer(&format!("{manager}/http_filters/1/typed_config/rules")).unwrap();
    assert_eq!(
        **policies,
        json!({"action": "ALLOW", "policies": {"identified": {
            "permissions": [{"header": {"name": "x-client-alias", "present_match": true}}],
            "principals": [{"any": true}],
        }}})
    );
}
