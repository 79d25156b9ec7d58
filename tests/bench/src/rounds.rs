//! What a request costs, in time on a core of everything that serves it: in each round every subject gets its requests, in
//! an order of chance, so that whatever else goes on in the machine meets all of them alike.

use crate::cpu;
use crate::load::closed::{Until, run};
use crate::load::{Connection, Protocol};
use crate::people::People;
use crate::stage::Running;
use anyhow::{Context, Result};

/// Connections to each subject.
const CONNECTIONS: usize = 4;
/// Requests on each connection in a round.
const REQUESTS: usize = 200;
/// Rounds that do not count: LuaJIT compiles what is hot.
const WARMING: usize = 2;
/// Rounds that do.
const ROUNDS: usize = 4;

/// Adds the microseconds of a request in each round to those of its subject.
pub(crate) async fn measure(
    stage: &[Running<'_>],
    people: &People,
    protocol: Protocol,
    costs: &mut [Vec<f64>],
) -> Result<()> {
    let mut connections = Vec::new();
    for running in stage {
        connections.push(running.connect(people, protocol, CONNECTIONS).await?);
    }
    for round in 0..WARMING + ROUNDS {
        let mut order: Vec<usize> = (0..stage.len()).collect();
        fastrand::shuffle(&mut order);
        for place in order {
            let cost = cost(&stage[place], &mut connections[place]).await?;
            if round >= WARMING {
                costs[place].push(cost);
            }
        }
    }
    Ok(())
}

async fn cost(running: &Running<'_>, connections: &mut Vec<Connection>) -> Result<f64> {
    let processes = running.processes();
    let before = cpu::time(&processes)?;
    let sent = run(connections, Until::Requests(REQUESTS)).await.with_context(|| running.subject.name)?;
    let spent = cpu::time(&processes)? - before;
    Ok(spent.as_secs_f64() * 1e6 / sent as f64)
}
