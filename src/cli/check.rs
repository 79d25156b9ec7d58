//! `certgate check`: whether certgate in Envoy accepts a registry, and what may not be meant in it.

use crate::input;
use crate::time::now;
use crate::{Outcome, Output};
use certgate_core::domain::mode::Mode;
use certgate_core::domain::policy::Policy;
use certgate_manage::{Format, Loaded, load, warnings};
use std::io;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Registries, in YAML or JSON; `-`: standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Prints a line for each file that is accepted, and one for each error or warning.
pub(crate) fn run(arguments: &Arguments, output: &mut Output<'_>) -> io::Result<Outcome> {
    input::each(&arguments.files, output, |file, bytes, output| {
        let Some(Loaded { policy, .. }) = loaded(file, bytes, output)? else { return Ok(Outcome::Bad) };
        writeln!(output.out, "{}: {}", file.display(), summary(&policy))?;
        Ok(Outcome::Good)
    })
}

/// Loads a registry, and prints its errors, or its warnings if it has no errors.
pub(crate) fn loaded<'t>(file: &Path, bytes: &'t [u8], output: &mut Output<'_>) -> io::Result<Option<Loaded<'t>>> {
    match load(bytes, Format::of(file, bytes)) {
        Ok(loaded) => {
            input::print(file, &warnings(&loaded, now()), output)?;
            Ok(Some(loaded))
        }
        Err(errors) => {
            input::print(file, &errors, output)?;
            Ok(None)
        }
    }
}

/// The size of a registry that is accepted, in words.
pub(crate) fn summary(policy: &Policy) -> String {
    let registry = &policy.registry;
    let clients = count(registry.clients().client_count(), "client");
    let credentials = count(registry.clients().credential_count(), "credential");
    let tiers = count(registry.tiers().len(), "tier");
    let mode = match policy.mode {
        Mode::Enforce => "enforce",
        Mode::Shadow => "shadow",
    };
    let rules = match policy.rules.rules().len() {
        0 => String::new(),
        rules => format!(", {}", count(rules, "rule")),
    };
    format!("ok: {clients}, {credentials}, {tiers}{rules}, mode {mode}")
}

/// A number of things in words: `1 client`, `2 clients`.
pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
