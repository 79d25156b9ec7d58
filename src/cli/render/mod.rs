//! `certgate render`: what a platform loads, made from a registry. The targets are rooms of their own; must not hold what
//! their manifests say.

mod belt;
mod condition;
mod envoy;
mod layout;
mod pattern;
mod rbac;
mod registry;

use super::check::{self, Accepted};
use super::{Outcome, Output, input};
use registry::Registry;
use std::io;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// What to make
    #[arg(long, value_name = "TARGET")]
    to: Target,
    /// envoy, ecds: where Envoy finds the module
    #[arg(long, value_name = "FILE", default_value = "target/certgate.wasm")]
    module: String,
    /// envoy: the server's certificate, its key, and who signs the clients' certificates
    #[arg(long, value_name = "FILE", default_value = "target/demo/server.pem")]
    certificate: String,
    /// envoy: the key of the server's certificate
    #[arg(long, value_name = "FILE", default_value = "target/demo/server.key")]
    key: String,
    /// envoy: the authorities that sign clients' certificates
    #[arg(long, value_name = "FILE", default_value = "target/demo/ca.pem")]
    trusted_ca: String,
    /// envoy: leave the registry to this file, as `--to ecds` makes it, and watch that
    #[arg(long, value_name = "FILE")]
    watch: Option<String>,
    /// The registry, in YAML or JSON; `-`: standard input
    #[arg(value_name = "REGISTRY")]
    file: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Target {
    /// A bootstrap for Envoy
    Envoy,
    /// The registry as a file that Envoy watches
    Ecds,
}

/// Prints what the target loads, or what is wrong with the registry.
pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> io::Result<Outcome> {
    input::each(std::slice::from_ref(&arguments.file), output, |file, bytes, output| {
        let Some(Accepted { policy, json }) = check::accepted(file, bytes, output)? else { return Ok(Outcome::Bad) };
        let document: serde_json::Value = serde_json::from_slice(&json).map_err(io::Error::other)?;
        let mut registry: Registry = serde_json::from_slice(&json).map_err(io::Error::other)?;
        registry.state_that_the_listener_validates();
        let belt = belt::belt(&policy, &document);
        for warning in &belt.warnings {
            writeln!(output.err, "{}: warning: {warning}", file.display())?;
        }
        let text = match arguments.to {
            Target::Envoy => {
                let paths = envoy::Paths {
                    module: &arguments.module,
                    certificate: &arguments.certificate,
                    key: &arguments.key,
                    trusted_ca: &arguments.trusted_ca,
                    watch: arguments.watch.as_deref(),
                };
                envoy::bootstrap(&registry, &belt, &policy.headers, &paths)
            }
            Target::Ecds => envoy::watched(&registry, &arguments.module),
        };
        write!(output.out, "{}", text.map_err(io::Error::other)?)?;
        Ok(Outcome::Good)
    })
}
