//! The demo left running: commands for the reader, and each save of the registry loaded.

use crate::places::{FOLDER, REGISTRY};
use crate::registry::Outcome;
use crate::stage::Stage;
use std::error::Error;

/// The next steps, where the demo ends by itself.
pub(crate) const AFTERWARDS: &str = "Envoy ends now. `make run` leaves it running for requests of your own, and \
    docs/tutorial.md goes on from there.";

/// Prints the commands, and loads each save of the registry until Ctrl-C.
pub(crate) fn stay(stage: &mut Stage) -> Result<(), Box<dyn Error>> {
    println!("{}", instructions(stage.port));
    loop {
        report(&stage.registry_saved()?);
    }
}

fn report(outcome: &Outcome) {
    match outcome {
        Outcome::Active(clients) => println!("registry.yaml is active: {clients} clients"),
        Outcome::Refused(reasons) => {
            println!("registry.yaml is refused, and the previous registry stays active:");
            reasons.iter().for_each(|reason| println!("    {reason}"));
        }
    }
}

fn instructions(port: u16) -> String {
    let curl =
        |who: &str| format!("curl -i --cacert ca.pem --cert {who}.pem --key {who}.key https://localhost:{port}/hello");
    let (partner_a, partner_b, stranger) = (curl("partner-a"), curl("partner-b"), curl("stranger"));
    format!(
        "Envoy keeps running. In a second terminal:

    cd {FOLDER}
    {partner_a}
    {partner_b}
    {stranger}

The body of each answer is what the upstream received. Edit {REGISTRY} and save it:

  - `enabled: false` under `alias: partner-a`: partner-a gets 403.
  - `tier: gold` in place of `tier: bronze`: partner-b may call more often, and another upstream answers.
  - a client for the stranger, with the fingerprint that this command prints: the stranger gets 200.

        openssl x509 -in stranger.pem -noout -fingerprint -sha256

A save takes effect at once. This terminal says so, or says why the registry is refused.

Envoy's log, with a line for each request, is {FOLDER}/envoy.log. The counters of certgate:

    curl -s \"$(cat admin-address.txt)/stats/prometheus\" | grep ^certgate

docs/tutorial.md goes on from here. Ctrl-C ends it."
    )
}
