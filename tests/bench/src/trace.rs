//! That the floor is the floor: it makes the calls that certgate makes for the same request, in the same order, with as
//! many bytes, and Envoy calls it as it calls certgate.

use crate::child::Child;
use crate::load::{Connection, Protocol};
use crate::people::People;
use crate::subjects::{CERTGATE, FLOOR, Subject};
use anyhow::{Context, Result, ensure};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Requests, of which the last one counts: by then everything is known.
const REQUESTS: usize = 3;
/// How long a trace may take to be written.
const PATIENCE: Duration = Duration::from_secs(20);
/// A request's last line.
const ENDED: &str = "[host<-vm] proxy_on_delete return";

/// Compares the two.
pub(crate) async fn compare(subjects: &[Subject], people: &People) -> Result<()> {
    let trace = async |name| {
        let subject = subjects.iter().find(|subject| subject.name == name).context(name)?;
        trace(subject, people).await
    };
    let (floor, certgate) = (trace(FLOOR).await?, trace(CERTGATE).await?);
    ensure!(
        floor == certgate,
        "the floor does not make certgate's calls any more, and must learn them.\nthe floor's:\n{}\ncertgate's:\n{}",
        floor.join("\n"),
        certgate.join("\n"),
    );
    Ok(())
}

/// The calls of a request, in both directions.
async fn trace(subject: &Subject, people: &People) -> Result<Vec<String>> {
    let name = format!("trace-{}", subject.name);
    let more = ["--component-log-level".as_ref(), "wasm:trace".as_ref()];
    let envoy = Child::envoy_with(&name, &subject.config(), subject.port, 1, &more)?;
    // On the main thread and on the worker, so that no tick falls into the request.
    sleep(Duration::from_secs(1)).await;
    let mut connection =
        Connection::open(&people.authority, &people.partner, Protocol::Http1, subject.port, 200).await?;
    for _ in 0..REQUESTS {
        connection.exchange().await?;
    }
    let started = Instant::now();
    while envoy.log()?.matches(ENDED).count() < REQUESTS {
        ensure!(started.elapsed() < PATIENCE, "{name}: a request does not end");
        sleep(Duration::from_millis(50)).await;
    }
    let log = envoy.log()?;
    let lines: Vec<&str> = log.lines().collect();
    let first = lines.iter().rposition(|line| line.contains("proxy_on_context_create(")).context("no request")?;
    Ok(lines[first..].iter().filter_map(|line| call(line)).collect())
}

/// A call with what it shares whatever module makes it: not addresses, versions and ids.
fn call(line: &str) -> Option<String> {
    let (_, call) = line.split_once("[host->vm] ").or_else(|| line.split_once("[vm->host] "))?;
    let (name, arguments) = call.split_once('(')?;
    let sizes = name == "proxy_on_memory_allocate";
    Some(if sizes { format!("{name}({arguments}") } else { name.to_owned() })
}
