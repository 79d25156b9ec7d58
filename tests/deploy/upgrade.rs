//! Another module in a running Envoy, and the one before again: by the watched file, without a restart.

use crate::support::bootstrap::shipped;
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::envoys::VERSIONS;
use crate::support::module;
use crate::support::registry;
use crate::support::world::World;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The watched file with this module and this registry.
fn watched(module: &Path, registry: &Value) -> String {
    let mut file = shipped("registry-ecds.yaml");
    let plugin = &mut file["resources"][0]["typed_config"]["config"];
    plugin["vm_config"]["code"]["local"]["filename"] = json!(module);
    plugin["configuration"]["value"] = registry.clone();
    file.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_module_takes_over_without_a_restart_and_finds_the_buckets() {
    let world = World::new();
    let [client, other] = ["client", "other"].map(|name| world.authority.client(name));
    let mut registry = registry::of(&[("client", "hourly", &client), ("another", "unlimited", &other)]);
    registry["tiers"]["hourly"] = json!({"limits": [{"name": "hourly", "requests": 4, "per": "1h"}]});
    // Only the other module can count this.
    let mut counts_bytes = registry.clone();
    let traffic = json!({"name": "traffic", "kind": "bytes", "bytes": 1_000_000, "per": "1s"});
    counts_bytes["tiers"]["hourly"]["limits"].as_array_mut().unwrap().push(traffic);
    for version in VERSIONS {
        let mut envoy = Envoy::start(world.ecds_bootstrap(&registry).version(version)).await;
        let (done, port, caller) = (Arc::new(AtomicBool::new(false)), envoy.port(), world.caller(&other));
        let under_way = tokio::spawn({
            let done = Arc::clone(&done);
            async move {
                let mut connection = caller.connect(port).await;
                let mut statuses = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    statuses.push(connection.get("/").await.status);
                }
                statuses
            }
        });
        let mut connection = world.caller(&client).connect(port).await;
        let first = connection.get("/").await.status;
        assert_eq!(first, 200, "{version}: {}", envoy.log());
        assert_eq!(envoy.push_text(&watched(&module::path(), &counts_bytes)).await, Outcome::Refused, "{version}");
        for (module, registry) in [(module::bandwidth(), &counts_bytes), (module::path(), &registry)] {
            assert_eq!(envoy.push_text(&watched(&module, registry)).await, Outcome::Live, "{version}");
            assert_eq!(connection.get("/").await.status, 200, "{version}");
        }
        let last = [connection.get("/").await.status, connection.get("/").await.status];
        assert_eq!(last, [200, 429], "{version}: what was spent under either module is spent");
        done.store(true, Ordering::Relaxed);
        let statuses = under_way.await.unwrap();
        assert!(statuses.len() > 10 && statuses.iter().all(|status| *status == 200), "{version}: {statuses:?}");
    }
}
