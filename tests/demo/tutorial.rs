//! What the reader can do with the demo when it has been left running.

use crate::stage::{ENVOY_LOG, FOLDER, HTTPS, REGISTRY, Stage, WATCHED, read};
use crate::support::ecds::Outcome;
use std::time::Duration;

/// Tells the reader what to try, and takes up what they write into the registry, until Ctrl-C.
pub(crate) async fn stay(stage: &mut Stage) {
    println!("{}", instructions());
    let mut seen = read(REGISTRY);
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let text = read(REGISTRY);
        // An editor may have emptied the file and not yet written it.
        if text != seen && !text.is_empty() {
            report(stage.replace_registry(&text).await);
            seen = text;
        }
    }
}

fn report((outcome, log): (Outcome, String)) {
    match outcome {
        Outcome::Live => println!("The registry you wrote is in force."),
        Outcome::Unchanged => println!("The registry you wrote is the one in force."),
        Outcome::Refused => {
            println!("The registry you wrote is refused, and the one before is still in force:");
            for line in explanation(&log) {
                println!("    {line}");
            }
        }
    }
}

/// Why a registry was refused: in certgate's words, or, if it never came so far, in Envoy's.
fn explanation(log: &str) -> Vec<&str> {
    let certgate = log.lines().find_map(|line| line.split_once("certgate refuses the configuration: "));
    match certgate {
        Some((_, errors)) => errors.split("; ").collect(),
        None => log.lines().filter(|line| line.contains("[warning][config]")).collect(),
    }
}

fn instructions() -> String {
    let curl =
        |who: &str| format!("curl -i --cacert ca.pem --cert {who}.pem --key {who}.key https://localhost:{HTTPS}/hello");
    let (gold, bronze, stranger) = (curl("gold"), curl("bronze"), curl("stranger"));
    format!(
        "
It is all still there, for requests of your own. In another terminal, at the top of the repository:

    cd {FOLDER}
    {gold}
    {bronze}
    {stranger}

Each answer is what the upstream received. Now open {REGISTRY} in an editor, and save it when you
have

  - written `enabled: false` under `alias: partner-a`: the first command gets 403;
  - put `tier: gold` in place of `tier: bronze`: the second is answered by the other upstream, and has more room;
  - added a client for the stranger, with the fingerprint that this prints: the third gets in.

        openssl x509 -in stranger.pem -noout -fingerprint -sha256

It takes effect at once, and this program says so, or why it does not. (What you saved, it renames over
{WATCHED}, which Envoy watches.)

Envoy's log, with a line for each request, is {ENVOY_LOG}; certgate's counters:

    curl -s http://localhost:9901/stats/prometheus | grep ^certgate

Ctrl-C ends it all."
    )
}
