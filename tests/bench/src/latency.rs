//! How long answers take at a rate far below what any subject could serve, from when a request was due; and what a
//! request costs there, where each wakes up who serves it.

use crate::cpu;
use crate::load::Protocol;
use crate::load::closed::{self, Until};
use crate::load::open::run;
use crate::people::People;
use crate::progress::Progress;
use crate::stage::Running;
use crate::statistics::quantile;
use anyhow::{Context, Result};
use std::time::Duration;

/// Requests a second.
pub(crate) const RATE: u32 = 1000;
/// The parts of all requests whose time is told.
pub(crate) const PARTS: [f64; 4] = [0.5, 0.9, 0.99, 0.999];
/// Time that a subject has in each turn.
const TURN: Duration = Duration::from_millis(250);
/// Connections to a subject, of which nearly all are free.
const CONNECTIONS: usize = 16;

/// What was seen of a subject.
pub(crate) struct AtRate {
    /// Microseconds on a core for a request, by turn.
    pub(crate) costs: Vec<f64>,
    /// Microseconds that [`PARTS`] of all answers took at most.
    pub(crate) latency: [f64; PARTS.len()],
}

/// Measures all subjects in turn, so many times.
pub(crate) async fn measure(
    stage: &[Running],
    people: &People,
    protocol: Protocol,
    turns: usize,
) -> Result<Vec<AtRate>> {
    let mut callers = Vec::new();
    for running in stage {
        let mut connections = running.connect(people, protocol, CONNECTIONS).await?;
        closed::run(&mut connections, Until::Requests(20)).await.with_context(|| running.subject.name)?;
        callers.push((running, connections, Vec::new(), Vec::new()));
    }
    let progress = Progress::new(&format!("latency at {RATE}/s, {protocol}"), turns);
    for turn in 0..turns {
        progress.step(turn);
        for (running, connections, costs, all) in &mut callers {
            let processes = running.processes();
            let before = cpu::time(&processes)?;
            let times = run(connections, RATE, TURN).await.with_context(|| running.subject.name)?;
            let spent = cpu::time(&processes)? - before;
            costs.push(spent.as_secs_f64() * 1e6 / times.len() as f64);
            all.extend(times.iter().map(|time| time.as_secs_f64() * 1e6));
        }
    }
    progress.end();
    let seen = |(_, _, costs, all): (_, _, _, Vec<f64>)| {
        let latency = PARTS.map(|part| quantile(&all, part));
        AtRate { costs, latency }
    };
    Ok(callers.into_iter().map(seen).collect())
}
