//! What workers cost each other that draw from one client's bucket, or from those of many.

use crate::bootstrap::{Certgate, Limit, listener, save};
use crate::child::Child;
use crate::load::closed::{Until, run};
use crate::load::{Connection, Protocol};
use crate::people::{People, alias};
use crate::places::made;
use crate::progress::Progress;
use crate::support::admin::Admin;
use crate::support::pki::Identity;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::time::{Duration, Instant};

const PORT: u16 = 18_470;
const ADMIN: u16 = 18_471;
const WORKERS: [u32; 4] = [1, 2, 4, 8];
const TIME: Duration = Duration::from_secs(3);
/// For the most workers on one client.
const LONGER: Duration = Duration::from_secs(10);

/// What was seen of some workers and clients.
pub(crate) struct Contention {
    /// Workers of the Envoy.
    pub(crate) workers: u32,
    /// Clients that called.
    pub(crate) clients: usize,
    /// Requests a second.
    pub(crate) per_second: f64,
    /// Conflicts a request.
    pub(crate) conflicts: f64,
    /// Requests that were refused because the store kept refusing.
    pub(crate) unavailable: f64,
}

/// Measures all of them. Runs anywhere, as do the Envoys.
pub(crate) async fn measure(people: &People) -> Result<Vec<Contention>> {
    let clients: Vec<(String, &Identity)> =
        people.many.iter().enumerate().map(|(number, identity)| (alias(number), identity)).collect();
    let certgate =
        Certgate { response_headers: false, guard: false, surroundings: false, limit: Limit::Endless, rules: 0 };
    let mut document = certgate.bootstrap(PORT, &clients)?;
    document["admin"] = json!({"address": {"socket_address": {"address": "127.0.0.1", "port_value": ADMIN}}});
    // In turn, so that each worker has its part of the connections.
    listener(&mut document)["connection_balance_config"] = json!({"exact_balance": {}});
    let path = made("contention.yaml");
    save(&path, &document)?;
    let progress = Progress::new("contention", 2 * WORKERS.len());
    let mut all = Vec::new();
    for workers in WORKERS {
        for clients in [1, people.many.len()] {
            progress.step(all.len());
            let envoy = Child::envoy("contention", &path, PORT, workers)?;
            all.push(one(people, workers, clients).await.with_context(|| format!("{workers} workers"))?);
            drop(envoy);
        }
    }
    progress.end();
    Ok(all)
}

/// As many connections whatever the clients.
async fn one(people: &People, workers: u32, clients: usize) -> Result<Contention> {
    let mut connections = Vec::new();
    for identity in people.many.iter().take(clients).cycle().take(people.many.len()) {
        connections.push(Connection::open(&people.authority, identity, Protocol::Http1, PORT, 200).await?);
    }
    let most = workers == WORKERS[WORKERS.len() - 1] && clients == 1;
    let started = Instant::now();
    let sent = run(&mut connections, Until::after(if most { LONGER } else { TIME })).await? as f64;
    let per_second = sent / started.elapsed().as_secs_f64();
    let admin = Admin { port: ADMIN };
    let counted = admin.metric("certgate_requests_total", &[("decision", "allowed")]).await;
    ensure!(counted == sent, "{sent} requests, but certgate counted {counted}");
    let conflicts = admin.metric("certgate_store_conflicts_total", &[]).await / sent;
    let unavailable = admin.metric("certgate_requests_total", &[("reason", "store_unavailable")]).await;
    Ok(Contention { workers, clients, per_second, conflicts, unavailable })
}
