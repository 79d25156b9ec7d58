//! The registry of the demo, from the reader's file to Envoy: checked, rendered, renamed over the file that Envoy watches.

use crate::envoy::{Envoy, reloads};
use crate::places::{MODULE, REGISTRY, WATCHED};
use certgate_manage::{Diagnostic, Format, Loaded, load, render};
use std::error::Error;
use std::fs;
use std::path::Path;

/// The fate of a registry.
pub(crate) enum Outcome {
    /// It is in force, with this number of clients.
    InForce(usize),
    /// It is refused for these reasons, and the registry before stays in force.
    Refused(Vec<String>),
}

/// A registry that Envoy can load.
struct Watched {
    text: String,
    clients: usize,
}

/// Reads a registry from its text.
pub(crate) fn read(text: &str) -> Result<Loaded<'_>, Vec<String>> {
    load(text.as_bytes(), Format::Yaml).map_err(|errors| lines(&errors))
}

/// Makes the file that Envoy watches, before Envoy starts.
pub(crate) fn place(text: &str) -> Result<(), Box<dyn Error>> {
    let watched = rendered(text).map_err(|errors| errors.join("\n"))?;
    Ok(fs::write(WATCHED, watched.text)?)
}

/// Has Envoy load the registry in `text`, and waits for the outcome.
pub(crate) fn take_up(envoy: &mut Envoy, text: &str) -> Result<Outcome, Box<dyn Error>> {
    let watched = match rendered(text) {
        Ok(watched) => watched,
        Err(errors) => return Ok(Outcome::Refused(errors)),
    };
    if fs::read_to_string(WATCHED)? == watched.text {
        return Ok(Outcome::InForce(watched.clients));
    }
    let before = reloads()?;
    let log = envoy.log().len();
    let beside = Path::new(WATCHED).with_extension("new");
    fs::write(&beside, &watched.text)?;
    fs::rename(&beside, WATCHED)?;
    let after = envoy.wait(|| reloads().ok().filter(|now| now.all > before.all || now.refused > before.refused))?;
    Ok(if after.refused > before.refused {
        Outcome::Refused(reasons(envoy.log().get(log..).unwrap_or_default()))
    } else {
        Outcome::InForce(watched.clients)
    })
}

fn rendered(text: &str) -> Result<Watched, Vec<String>> {
    let loaded = read(text)?;
    let rendered = render::ecds(&loaded, MODULE).map_err(|errors| lines(&errors))?;
    Ok(Watched { text: rendered.text, clients: loaded.policy.registry.clients().client_count() })
}

fn lines(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics.iter().map(|diagnostic| diagnostic.line(&REGISTRY).to_string()).collect()
}

/// The reasons for which the module refuses a registry, in Envoy's log: a limit of bytes, for one, needs the other module.
fn reasons(log: &str) -> Vec<String> {
    let refusal = log.lines().find_map(|line| line.split_once("certgate refuses the configuration: "));
    match refusal {
        Some((_, reasons)) => reasons.split("; ").map(str::to_owned).collect(),
        None => log.lines().filter(|line| line.contains("[warning][config]")).map(str::to_owned).collect(),
    }
}
