//! `certgate check`: whether certgate in Envoy accepts a registry, and what somebody should know who is about to load it.

use super::time::now;
use super::{Outcome, Output, input, yaml};
use crate::calendar::rfc3339;
use crate::config;
use crate::domain::cost::Cost;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::mode::Mode;
use crate::domain::policy::Policy;
use crate::domain::time::UnixSeconds;
use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

/// Who has a certificate that expires within this many seconds wants to know.
const SOON: i64 = 30 * 86_400;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Registries, in YAML or JSON; `-`: standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Prints a line for each file that is accepted and one for each error of those that are not.
pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> io::Result<Outcome> {
    input::each(&arguments.files, output, |file, bytes, output| {
        let name = file.display();
        let json = match json(file, bytes) {
            Ok(json) => json,
            Err(error) => {
                writeln!(output.err, "{name}: {error}")?;
                return Ok(Outcome::Bad);
            }
        };
        match config::read(&json) {
            Ok(policy) => {
                for warning in warnings(&policy, now()) {
                    writeln!(output.err, "{name}: warning: {warning}")?;
                }
                writeln!(output.out, "{name}: {}", summary(&policy))?;
                Ok(Outcome::Good)
            }
            Err(errors) => {
                errors.iter().try_for_each(|error| writeln!(output.err, "{name}: {error}"))?;
                Ok(Outcome::Bad)
            }
        }
    })
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
    format!("ok: {clients}, {credentials}, {tiers}, mode {mode}")
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// What is right but perhaps not meant.
fn warnings(policy: &Policy, now: UnixSeconds) -> Vec<String> {
    let registry = &policy.registry;
    let shadow = (policy.mode == Mode::Shadow).then(|| "mode is shadow: every request is forwarded".to_owned());
    let disabled = registry.clients().clients().filter(|client| !client.enabled);
    let disabled = disabled.map(|client| format!("client {} is disabled", client.alias));
    let expiring = registry.clients().dates().filter_map(|(index, validity)| {
        let credential = registry.clients().credential(index).filter(|credential| !credential.revoked)?;
        let client = registry.client(credential.client)?.alias;
        let what = match validity.not_after.0.saturating_sub(now.0) {
            ..0 => "expired",
            0..=SOON => "expires soon",
            _ => return None,
        };
        let certificate = Fingerprint::new(registry.clients().identifier(index)?.digest);
        Some(format!("client {client}: certificate {certificate} {what}, at {}", rfc3339(validity.not_after)))
    });
    let mut limits = registry.tiers().iter().flat_map(|tier| &tier.limits);
    let bytes = limits.any(|limit| limit.cost == Cost::Bytes);
    let bytes = bytes.then(|| "limits of kind bytes need the module certgate-bandwidth.wasm".to_owned());
    shadow.into_iter().chain(bytes).chain(disabled).chain(expiring).collect()
}
