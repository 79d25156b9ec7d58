//! How long answers take at a rate far below what any subject could serve, from when a request was due; and what a
//! request costs there, where each wakes up who serves it.

use crate::cpu;
use crate::load::Protocol;
use crate::load::closed::{self, Until};
use crate::load::open::run;
use crate::people::People;
use crate::stage::Running;
use crate::statistics::quantile;
use anyhow::{Context, Result};
use std::time::Duration;

/// Requests a second.
pub(crate) const RATE: u32 = 1000;
/// The parts of all requests whose time is told.
pub(crate) const PARTS: [f64; 4] = [0.5, 0.9, 0.99, 0.999];
/// Time that a subject has.
const TURN: Duration = Duration::from_millis(250);
/// Connections to a subject, of which nearly all are free.
const CONNECTIONS: usize = 16;

/// What was seen of a subject.
#[derive(Clone, Default)]
pub(crate) struct AtRate {
    /// Microseconds on a core for a request, by turn.
    pub(crate) costs: Vec<f64>,
    /// Microseconds to each answer.
    times: Vec<f64>,
}

impl AtRate {
    /// Microseconds that [`PARTS`] of all answers took at most.
    pub(crate) fn latency(&self) -> [f64; PARTS.len()] {
        PARTS.map(|part| quantile(&self.times, part))
    }
}

/// Adds a turn of each subject to what was seen of it.
pub(crate) async fn measure(
    stage: &[Running<'_>],
    people: &People,
    protocol: Protocol,
    seen: &mut [AtRate],
) -> Result<()> {
    for (running, seen) in stage.iter().zip(seen) {
        let mut connections = running.connect(people, protocol, CONNECTIONS).await?;
        closed::run(&mut connections, Until::Requests(20)).await.with_context(|| running.subject.name)?;
        let processes = running.processes();
        let before = cpu::time(&processes)?;
        let times = run(&mut connections, RATE, TURN).await.with_context(|| running.subject.name)?;
        let spent = cpu::time(&processes)? - before;
        seen.costs.push(spent.as_secs_f64() * 1e6 / times.len() as f64);
        seen.times.extend(times.iter().map(|time| time.as_secs_f64() * 1e6));
    }
    Ok(())
}
