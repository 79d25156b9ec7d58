//! The registry of the demo, from the reader's file to Envoy, by the watch that `certgate watch` has too.

use crate::envoy::{Envoy, reloads};
use crate::places::{MODULE, REGISTRY, WATCHED};
use certgate_core::domain::time::UnixSeconds;
use certgate_manage::Diagnostic;
use certgate_manage::watch::{Accepted, Event, Watch};
use std::error::Error;
use std::time::SystemTime;

/// The registry in the reader's file.
pub(crate) struct Registry {
    watch: Watch,
}

/// The fate of a registry that was saved.
pub(crate) enum Outcome {
    /// The registry is active, with this number of clients.
    Active(usize),
    /// The registry is refused for these reasons, and the previous one stays active.
    Refused(Vec<String>),
}

impl Registry {
    /// Makes the file that Envoy watches, before Envoy starts.
    pub(crate) fn place() -> Result<Self, Box<dyn Error>> {
        let mut registry = Self { watch: Watch::new(REGISTRY.into(), WATCHED.into(), MODULE.to_owned(), now) };
        match registry.event()? {
            Event::Written(_) | Event::Current(_) => Ok(registry),
            Event::Refused(errors) => Err(lines(&errors).join("\n").into()),
            Event::Unwritable(error) => Err(error.line(&WATCHED).to_string().into()),
            Event::Restored => Err(format!("{WATCHED}: expected no other program to change it").into()),
        }
    }

    /// Waits until the registry is saved, and until Envoy has taken it up or refused it.
    pub(crate) fn saved(&mut self, envoy: &mut Envoy) -> Result<Outcome, Box<dyn Error>> {
        let before = reloads()?;
        let log = envoy.log().len();
        let accepted = match self.event()? {
            Event::Written(accepted) => accepted,
            Event::Current(accepted) => return Ok(Outcome::Active(clients(&accepted))),
            Event::Refused(errors) => return Ok(Outcome::Refused(lines(&errors))),
            Event::Unwritable(error) => return Ok(Outcome::Refused(vec![error.line(&WATCHED).to_string()])),
            Event::Restored => return Ok(Outcome::Refused(vec![format!("{WATCHED}: another program changed it")])),
        };
        let after = envoy.wait(|| reloads().ok().filter(|now| now.all > before.all || now.refused > before.refused))?;
        Ok(if after.refused > before.refused {
            Outcome::Refused(reasons(envoy.log().get(log..).unwrap_or_default()))
        } else {
            Outcome::Active(clients(&accepted))
        })
    }

    fn event(&mut self) -> Result<Event, Box<dyn Error>> {
        Ok(self.watch.next(None)?.ok_or("the watch over the registry has ended")?)
    }
}

/// The time of the machine's clock.
pub(crate) fn now() -> UnixSeconds {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixSeconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

fn clients(accepted: &Accepted) -> usize {
    accepted.policy.registry.clients().client_count()
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
