//! Of more requests than there may be lines, some have none: how many, the next line says.

use super::{Cast, lines};
use crate::support::envoy::Envoy;
use serde_json::json;

/// Requests after which lines must have been left out.
const MOST: usize = 100_000;

/// Sends requests of a stranger until lines are left out, and on until one is written again, which tells how many.
async fn flood(options: &[(&str, &str)]) {
    let cast = Cast::new();
    let envoy = Envoy::start(cast.world.bootstrap(&cast.registry(options)).concurrency(1)).await;
    let mut connection = cast.caller(Some(&cast.stranger)).http2().connect(envoy.port()).await;
    let mut sent = 0;
    let mut dropping = false;
    let lines = loop {
        assert!(sent < MOST, "after {sent} requests, {} lines", lines(&envoy).len());
        assert_eq!(connection.get("/").await.status, 403);
        sent += 1;
        // The log is long, and reading it takes the time in which lines come back.
        if sent % 100 != 0 && !dropping {
            continue;
        }
        let lines = lines(&envoy);
        let told: u64 = lines.iter().filter_map(|line| line["certgate.suppressed"].as_u64()).sum();
        dropping = lines.len() < sent;
        if told > 0 && lines.len() + usize::try_from(told).expect("a number") == sent {
            break lines;
        }
    };
    assert!(lines.len() < sent);
}

#[tokio::test]
async fn of_a_flood_lines_are_left_out_and_counted() {
    flood(&[]).await;
    flood(&[("audit", "rejections")]).await;
}

/// What passes takes no lines from what does not.
#[tokio::test]
async fn a_flood_of_what_passes_hides_no_rejection() {
    let cast = Cast::new();
    let envoy = Envoy::start(cast.world.bootstrap(&cast.registry(&[("audit", "all")])).concurrency(1)).await;
    let mut connection = cast.world.anonymous().http2().connect(envoy.port()).await;
    for _ in 0..3000 {
        assert_eq!(connection.get("/healthz").await.status, 200);
    }
    assert_eq!(connection.get("/").await.status, 403);
    let refusals = lines(&envoy).into_iter().filter(|line| line["certgate.decision"] == "refused").count();
    assert_eq!(refusals, 1);
}

/// Lines of another plugin in the same VM come at another pace.
#[tokio::test]
async fn a_flood_at_a_plugin_without_audit_hides_no_line_of_one_with_it() {
    let cast = Cast::new();
    let bootstrap = cast.world.bootstrap(&cast.registry(&[]));
    let bootstrap = bootstrap.another_listener("audited", &cast.registry(&[("audit", "rejections")])).concurrency(1);
    let envoy = Envoy::start(bootstrap.edit_plugin(|plugin| plugin["root_id"] = json!("another"))).await;
    for port in [envoy.port(), envoy.port_of("audited")] {
        let mut connection = cast.caller(Some(&cast.stranger)).http2().connect(port).await;
        for _ in 0..100 {
            assert_eq!(connection.get("/").await.status, 403);
        }
    }
    let lines = lines(&envoy);
    assert_eq!(lines.iter().filter(|line| line.get("time").is_some()).count(), 100);
    assert!(lines.len() < 150, "of the others, some are left out: {}", lines.len());
}
