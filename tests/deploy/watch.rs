//! `certgate watch` beside a real Envoy: a registry that is saved in place reaches open connections, and one with errors
//! changes nothing.

use crate::support::bootstrap::Bootstrap;
use crate::support::command_line::command_line;
use crate::support::envoy::Envoy;
use crate::support::module;
use crate::support::registry;
use crate::support::wait::until;
use crate::support::world::World;
use serde_json::json;
use std::fs;
use std::process::{Child, Command};
use tempfile::TempDir;

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_registry_that_is_saved_in_place_is_live_on_open_connections() {
    let world = World::new();
    let [one, two] = ["one", "two"].map(|name| world.authority.client(name));
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("live")).unwrap();
    fs::write(at("registry.json"), registry::of(&[("one", "unlimited", &one)]).to_string()).unwrap();
    let mut command = Command::new(command_line());
    command.arg("watch").arg(at("registry.json")).arg("--to").arg(at("live/ecds.yaml"));
    let _watch = Ended(command.arg("--module").arg(module::path()).spawn().unwrap());
    until("the file", async || at("live/ecds.yaml").exists().then_some(())).await;
    for version in ["1.36.4", "1.40.0"] {
        fs::write(at("registry.json"), registry::of(&[("one", "unlimited", &one)]).to_string()).unwrap();
        let one_alone = async || (!fs::read_to_string(at("live/ecds.yaml")).unwrap().contains("two")).then_some(());
        until("the first registry", one_alone).await;
        let bootstrap = Bootstrap::ecds(&world, &registry::of(&[])).without_guard().version(version);
        let source = json!({"path": at("live/ecds.yaml"), "watched_directory": {"path": at("live")}});
        let envoy = Envoy::start(bootstrap.edit(|manager| {
            manager["http_filters"][0]["config_discovery"]["config_source"]["path_config_source"] = source;
        }))
        .await;
        let mut first = world.caller(&one).connect(envoy.port()).await;
        let mut second = world.caller(&two).connect(envoy.port()).await;
        assert_eq!((first.get("/").await.status, second.get("/").await.status), (200, 403), "{version}");
        let both = registry::of(&[("one", "unlimited", &one), ("two", "unlimited", &two)]);
        fs::write(at("registry.json"), both.to_string()).unwrap();
        until("the second client", async || (second.get("/").await.status == 200).then_some(())).await;
        let live = fs::read_to_string(at("live/ecds.yaml")).unwrap();
        fs::write(
            at("registry.json"),
            both.to_string().replace("unlimited", "no-such-tier-of-two").replacen(
                "no-such-tier-of-two",
                "unlimited",
                1,
            ),
        )
        .unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        assert_eq!(fs::read_to_string(at("live/ecds.yaml")).unwrap(), live);
        assert_eq!((first.get("/").await.status, second.get("/").await.status), (200, 200), "{version}");
    }
}
