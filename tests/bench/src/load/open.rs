//! The open loop: requests are due at a fixed rate, whether or not those before them are answered, and what
//! each takes is counted from when they were due.

use super::Connection;
use anyhow::Result;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, yield_now};

/// Sends requests at this rate, each on a connection that is free; how long each took.
pub(crate) async fn run(connections: &mut Vec<Connection>, per_second: u32, time: Duration) -> Result<Vec<Duration>> {
    let (release, mut free) = mpsc::unbounded_channel();
    for connection in connections.drain(..) {
        release.send(connection)?;
    }
    let interval = Duration::from_secs(1) / per_second;
    let mut exchanges = JoinSet::new();
    let mut times = Vec::new();
    let (mut due, end) = (Instant::now(), Instant::now() + time);
    while due < end {
        // This core has nothing else to do, and the runtime's timers are too coarse.
        while Instant::now() < due {
            yield_now().await;
        }
        let mut connection = loop {
            tokio::select! {
                Some(connection) = free.recv() => break connection,
                Some(exchange) = exchanges.join_next() => times.push(exchange??),
            }
        };
        let release = release.clone();
        exchanges.spawn(async move {
            connection.exchange().await?;
            let took = due.elapsed();
            release.send(connection)?;
            Ok::<_, anyhow::Error>(took)
        });
        due += interval;
    }
    while let Some(exchange) = exchanges.join_next().await {
        times.push(exchange??);
    }
    drop(release);
    while let Some(connection) = free.recv().await {
        connections.push(connection);
    }
    Ok(times)
}
