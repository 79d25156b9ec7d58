//! Keys that stand twice in a registry. Envoy's YAML loader keeps the last one and says nothing, so certgate never sees
//! the other; `certgate check` and `certgate render` refuse the file.

use super::rendered::IN_ENVOY;
use crate::support::bootstrap::shipped;
use crate::support::envoy::Envoy;
use crate::support::envoys::repository;
use crate::support::module;
use crate::support::registry;
use crate::support::world::World;
use serde_json::json;
use std::fs;
use std::process::Command;
use tempfile::TempDir;

/// The registry with `enabled: false` above an older `enabled: true`.
fn twice(registry: &str) -> String {
    let twice = registry.replace(r#""alias":"client""#, r#""enabled":false,"alias":"client","enabled":true"#);
    assert_ne!(twice, registry);
    twice
}

#[tokio::test]
async fn envoy_keeps_the_last_of_two_keys_and_certgate_refuses_both() {
    let world = World::new();
    let client = world.authority.client("client");
    let registry = registry::of(&[("client", "unlimited", &client)]);

    // As Envoy loads it.
    let mut watched = shipped("registry-ecds.yaml");
    let plugin = &mut watched["resources"][0]["typed_config"]["config"];
    plugin["configuration"]["value"] = registry.clone();
    plugin["vm_config"]["code"]["local"]["filename"] = json!(module::path());
    let bootstrap = world.ecds_bootstrap(&registry).watched_file_at_start(Some(&twice(&watched.to_string())));
    let envoy = Envoy::start(bootstrap).await;
    assert_eq!(world.caller(&client).get(envoy.port(), "/").await.status, 200, "the documentation says so");

    let page = fs::read_to_string(repository().join("docs/configuration/README.md")).unwrap().replace('\n', " ");
    assert!(page.contains("Envoy's YAML loader keeps the last of two equal keys and says nothing"));

    // As a file of its own.
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("registry.yaml");
    fs::write(&file, twice(&registry.to_string())).unwrap();
    for arguments in [&["check"][..], &[&["render"], &IN_ENVOY[..]].concat(), &["render", "ecds", "--module", "x"]] {
        let run =
            Command::new(crate::support::command_line::command_line()).args(arguments).arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("clients[0].enabled: "), "{arguments:?}: {said}");
        assert!(run.stdout.is_empty(), "{arguments:?}");
    }
}
