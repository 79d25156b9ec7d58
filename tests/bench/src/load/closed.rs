//! The closed loop: on each connection a request follows as soon as the one before it is answered.

use super::Connection;
use anyhow::Result;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// When a connection has had enough.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// After so many requests.
    Requests(usize),
    /// At this time.
    Time(Instant),
}

impl Until {
    /// After this time.
    pub(crate) fn after(time: Duration) -> Self {
        Self::Time(Instant::now() + time)
    }

    fn goes_on(self, sent: usize) -> bool {
        match self {
            Self::Requests(requests) => sent < requests,
            Self::Time(end) => Instant::now() < end,
        }
    }
}

/// Sends requests on all connections; how many in all.
pub(crate) async fn run(connections: &mut Vec<Connection>, until: Until) -> Result<usize> {
    let mut callers = JoinSet::new();
    for mut connection in connections.drain(..) {
        callers.spawn(async move {
            let mut sent = 0;
            while until.goes_on(sent) {
                connection.exchange().await?;
                sent += 1;
            }
            Ok::<_, anyhow::Error>((connection, sent))
        });
    }
    let mut all = 0;
    while let Some(caller) = callers.join_next().await {
        let (connection, sent) = caller??;
        connections.push(connection);
        all += sent;
    }
    Ok(all)
}
