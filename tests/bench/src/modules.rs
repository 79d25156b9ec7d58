//! The Wasm modules that are measured: certgate as it is now, and those beside it, built from tests/bench/modules and
//! finished as certgate is.

use crate::places::{at, made};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Puts all of them into the benchmark's folder, so that a run measures the same modules from beginning to end.
pub(crate) fn build() -> Result<()> {
    let module = at("target/certgate.wasm");
    ensure!(module.is_file(), "there is no module at {}: run `make wasm`", module.display());
    fs::copy(module, made("certgate.wasm"))?;
    let empty = link("empty")?;
    let mut finish = Command::new("cargo");
    finish.args(["run", "--quiet", "--profile", "tool", "--package", "certgate-finish", "--"]);
    finish.arg(empty).arg(made("empty.wasm"));
    run(&mut finish)?;
    // It exports nothing that would have to go.
    fs::copy(link("floor")?, made("floor.wasm"))?;
    Ok(())
}

/// Builds a module, and says where it is.
fn link(name: &str) -> Result<PathBuf> {
    let target = made("modules");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--release", "--target", "wasm32-wasip1", "--manifest-path"]);
    cargo.arg(format!("tests/bench/modules/{name}/Cargo.toml")).arg("--target-dir").arg(&target);
    run(&mut cargo)?;
    Ok(target.join(format!("wasm32-wasip1/release/{name}.wasm")))
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.current_dir(at("")).status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
