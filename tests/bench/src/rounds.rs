//! What a request costs, in time on a core of everything that serves it: in each round every subject gets its requests, in
//! an order of chance, so that whatever else goes on in the machine meets all of them alike.

use crate::cpu;
use crate::load::closed::{Until, run};
use crate::load::{Connection, Protocol};
use crate::people::People;
use crate::progress::Progress;
use crate::stage::Running;
use anyhow::{Context, Result};

/// Connections to each subject.
const CONNECTIONS: usize = 4;
/// Requests on each connection in a round.
const REQUESTS: usize = 200;
/// Rounds that do not count: V8 compiles what is hot.
const WARMING: usize = 8;

/// Microseconds a request, by subject and round.
pub(crate) async fn measure(
    stage: &[Running],
    people: &People,
    protocol: Protocol,
    rounds: usize,
) -> Result<Vec<Vec<f64>>> {
    let mut connections = Vec::new();
    for running in stage {
        connections.push(running.connect(people, protocol, CONNECTIONS).await?);
    }
    let mut costs = vec![Vec::new(); stage.len()];
    let progress = Progress::new(&format!("CPU time, {protocol}"), WARMING + rounds);
    for round in 0..WARMING + rounds {
        progress.step(round);
        let mut order: Vec<usize> = (0..stage.len()).collect();
        fastrand::shuffle(&mut order);
        for place in order {
            let cost = cost(&stage[place], &mut connections[place]).await?;
            if round >= WARMING {
                costs[place].push(cost);
            }
        }
    }
    progress.end();
    Ok(costs)
}

async fn cost(running: &Running, connections: &mut Vec<Connection>) -> Result<f64> {
    let processes = running.processes();
    let before = cpu::time(&processes)?;
    let sent = run(connections, Until::Requests(REQUESTS)).await.with_context(|| running.subject.name)?;
    let spent = cpu::time(&processes)? - before;
    Ok(spent.as_secs_f64() * 1e6 / sent as f64)
}
