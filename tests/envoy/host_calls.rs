//! scratch
use crate::support::envoy::Envoy;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::world::World;

#[tokio::test]
async fn scratch() {
    let world = World::new();
    let gold = world.authority.client("gold");
    let boot = world.bootstrap(&registry::of(&[("partner-a", "gold", &gold)])).concurrency(1).wasm_trace();
    let envoy = Envoy::start(boot).await;
    let mut c = world.caller(&gold).connect(envoy.port()).await;
    c.get("/").await;
    let n = envoy.log().len();
    c.get("/").await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    eprintln!("{}", &envoy.log()[n..]);
}
