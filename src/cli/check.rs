//! `certgate check`: whether certgate in Envoy accepts a registry, and what somebody should know who is about to load it.

use super::names;
use super::signatures::signatures;
use super::time::now;
use super::warnings::warnings;
use super::{Outcome, Output, input, yaml};
use certgate_core::config;
use certgate_core::domain::mode::Mode;
use certgate_core::domain::policy::Policy;
use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Registries, in YAML or JSON; `-`: standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// A registry that certgate in Envoy accepts.
pub(super) struct Accepted {
    pub(super) policy: Policy,
    /// As Envoy would hand it to certgate.
    pub(super) json: Vec<u8>,
}

/// Prints a line for each file that is accepted and one for each error of those that are not.
pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> io::Result<Outcome> {
    input::each(&arguments.files, output, |file, bytes, output| {
        let Some(Accepted { policy, .. }) = accepted(file, bytes, output)? else { return Ok(Outcome::Bad) };
        writeln!(output.out, "{}: {}", file.display(), summary(&policy))?;
        Ok(Outcome::Good)
    })
}

/// Reads a registry and prints a line for each error, or for each warning if there are none.
pub(super) fn accepted(file: &Path, bytes: &[u8], output: &mut Output<'_>) -> io::Result<Option<Accepted>> {
    let name = file.display();
    let json = match json(file, bytes) {
        Ok(json) => json.into_owned(),
        Err(error) => {
            writeln!(output.err, "{name}: {error}")?;
            return Ok(None);
        }
    };
    let policy = match config::read(&json) {
        Ok(policy) => policy,
        Err(errors) => {
            errors.iter().try_for_each(|error| writeln!(output.err, "{name}: {error}"))?;
            return Ok(None);
        }
    };
    let document = serde_json::from_slice(&json).unwrap_or_default();
    let signatures = signatures(&document);
    let problems: Vec<_> = signatures.iter().filter_map(|signature| signature.as_ref().err()).collect();
    problems.iter().try_for_each(|problem| writeln!(output.err, "{name}: {problem}"))?;
    if !problems.is_empty() {
        return Ok(None);
    }
    let warnings = warnings(&policy, now()).into_iter().chain(signatures.into_iter().flatten());
    for warning in warnings.chain(names::warnings(&document, &policy.revocation_lists)) {
        writeln!(output.err, "{name}: warning: {warning}")?;
    }
    Ok(Some(Accepted { policy, json }))
}

/// The configuration as Envoy would hand it to certgate: JSON as it is, YAML as Envoy turns it into JSON.
fn json<'a>(file: &Path, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, yaml::NotYaml> {
    let is_json = match file.extension().and_then(|extension| extension.to_str()) {
        Some("json") => true,
        Some("yaml" | "yml") => false,
        _ => bytes.trim_ascii_start().starts_with(b"{"),
    };
    match str::from_utf8(bytes) {
        Ok(text) if !is_json => yaml::to_json(text).map(|json| json.into_bytes().into()),
        // What is not UTF-8 is for the configuration's reader to refuse.
        _ => Ok(bytes.into()),
    }
}

fn summary(policy: &Policy) -> String {
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

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
