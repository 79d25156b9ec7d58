//! The files of `envoy/compose.yaml` without starting them: they are the shipped ones, and every Envoy and Compose takes
//! them.

use super::command::bounded;
use crate::support::bootstrap::shipped;
use crate::support::command_line::Run;
use crate::support::envoys::{self, VERSIONS, repository};
use crate::support::module;
use crate::support::parts::Part;
use crate::support::world::World;
use certgate_core::config;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Listeners and clusters that only the Envoy in a container has, which take nobody's requests upstream.
const ONLY_IN_CONTAINERS: [&str; 2] = ["metrics", "admin"];

#[test]
fn its_envoy_is_the_shipped_one_but_for_addresses_and_paths() {
    let mut ours = shipped("compose/envoy.yaml");
    let mut theirs = shipped("envoy-ecds.yaml");
    for (kind, count) in [("listeners", 1), ("clusters", 3)] {
        let all = ours["static_resources"][kind].as_array_mut().unwrap();
        all.retain(|one| !ONLY_IN_CONTAINERS.contains(&one["name"].as_str().unwrap()));
        assert_eq!(all.len(), count, "{kind}");
    }
    for document in [&mut ours, &mut theirs] {
        document["admin"] = Value::Null;
        for cluster in document["static_resources"]["clusters"].as_array_mut().unwrap() {
            cluster["type"] = Value::Null;
            address(&mut cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]);
        }
        let listener = &mut document["static_resources"]["listeners"][0];
        address(&mut listener["address"]);
        let chain = &mut listener["filter_chains"][0];
        let tls = &mut chain["transport_socket"]["typed_config"]["common_tls_context"];
        tls["tls_certificates"] = Value::Null;
        tls["validation_context_sds_secret_config"]["sds_config"]["path_config_source"] = Value::Null;
        let certgate = &mut chain["filters"][0]["typed_config"]["http_filters"][0];
        certgate["config_discovery"]["config_source"]["path_config_source"] = Value::Null;
    }
    assert_eq!(ours, theirs, "what is changed in envoy-ecds.yaml is to be changed in compose/envoy.yaml too");
}

fn address(address: &mut Value) {
    address["socket_address"]["address"] = Value::Null;
}

#[test]
fn its_registry_is_one_and_differs_from_the_shipped_one_in_clients_only() {
    let mut ours = shipped("compose/registry.yaml");
    config::read(ours.to_string().as_bytes()).unwrap();
    let theirs = &shipped("registry-ecds.yaml")["resources"][0]["typed_config"]["config"]["configuration"]["value"];
    assert_eq!(ours["identity"].take(), json!({"chain": "listener"}));
    for part in ["version", "tiers", "rules"] {
        assert_eq!(ours[part], theirs[part], "{part}");
    }
}

#[test]
fn every_envoy_accepts_its_configurations() {
    let stage = TempDir::new().unwrap();
    let at = |name: &str| stage.path().join(name);
    let World { authority, server, .. } = World::new();
    for (name, text) in [
        ("ca.pem", &authority.identity().certificate_pem),
        ("server.pem", &server.certificate_pem),
        ("server.key", &server.key_pem),
    ] {
        fs::write(at(name), text).unwrap();
    }
    for (name, text) in ["envoy.yaml", "upstream.yaml", "trusted-ca-sds.yaml"].map(|name| (name, read(name))) {
        let here = stage.path().display().to_string();
        let text = text.replace("/server/", &format!("{here}/"));
        let folders = ["path: /server", "path: /registry", "path: /compose"];
        let text = folders.iter().fold(text, |text, folder| text.replace(folder, &format!("path: {here}")));
        fs::write(at(name), text).unwrap();
    }
    let (module, registry) = (module::path().display().to_string(), repository().join("envoy/compose/registry.yaml"));
    let arguments = ["render", "ecds", "--module", &module, registry.to_str().unwrap()];
    fs::write(at("registry-ecds.yaml"), Run::successful(&arguments, "")).unwrap();
    for version in VERSIONS {
        for name in ["envoy.yaml", "upstream.yaml"] {
            let mut envoy = Command::new(envoys::version(version));
            let Output { status, stderr, .. } =
                envoy.args(["--mode", "validate", "-c"]).arg(at(name)).output().unwrap();
            assert!(status.success(), "{version} refuses {name}:\n{}", String::from_utf8_lossy(&stderr));
        }
    }
}

/// `--mode validate` does not look into it.
#[test]
fn its_authorities_are_in_a_secret_as_the_shipped_one() {
    let secret = |file: &str| shipped(file)["resources"][0].clone();
    let (mut ours, mut theirs) = (secret("compose/trusted-ca-sds.yaml"), secret("trusted-ca-sds.yaml"));
    for (secret, folder) in [(&mut ours, "/server"), (&mut theirs, "target/demo")] {
        let context = &mut secret["validation_context"];
        assert_eq!(context["watched_directory"]["path"].take(), folder);
        assert_eq!(context["trusted_ca"]["filename"].take(), format!("{folder}/ca.pem"));
    }
    assert_eq!(ours, theirs);
}

fn read(name: &str) -> String {
    fs::read_to_string(repository().join("envoy/compose").join(name)).unwrap()
}

/// `docker-compose config` holds it against the schema of the Compose Specification that it brings along.
#[test]
fn it_fits_the_schema_of_the_compose_specification() {
    if !Part::Docker.runs() {
        return;
    }
    let file = repository().join("envoy/compose.yaml");
    let config = |file: &Path| {
        let output = bounded("docker-compose").arg("--file").arg(file).args(["config", "--quiet"]).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(config(&file), (true, String::new()));
    let stage = TempDir::new().unwrap();
    let wrong = stage.path().join("compose.yaml");
    fs::write(&wrong, fs::read_to_string(&file).unwrap().replace("    network_mode:", "    netwerk_mode:")).unwrap();
    let (accepted, said) = config(&wrong);
    assert!(!accepted && said.contains("netwerk_mode"), "{said}");
}

#[test]
fn images_are_pinned_and_can_be_replaced() {
    let services = shipped("compose.yaml")["services"].take();
    for (name, service) in services.as_object().unwrap() {
        let image = service["image"].as_str().unwrap();
        let (variable, default) = image.trim_matches(['$', '{', '}']).split_once(":-").unwrap();
        let (_, tag) = default.split_once(':').unwrap();
        assert!(variable.ends_with("_IMAGE"), "{name}: {image}");
        assert!(tag.matches('.').count() == 2 && tag.ends_with(|last: char| last.is_ascii_digit()), "{name}: {image}");
    }
    let envoy = services["envoy"]["image"].as_str().unwrap();
    assert!(envoy.ends_with(&format!(":v{}}}", envoys::PINNED)), "{envoy}, but the tests run on {}", envoys::PINNED);
}
