//! Where things are.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// Where everything lies that the benchmark makes.
pub(crate) const FOLDER: &str = "target/bench";

/// A path in the repository.
pub(crate) fn at(path: &str) -> PathBuf {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    bench.ancestors().nth(2).unwrap_or(bench).join(path)
}

/// A path in [`FOLDER`].
pub(crate) fn made(name: &str) -> PathBuf {
    at(FOLDER).join(name)
}

/// The pinned Envoy, or the one that `ENVOY` names.
pub(crate) fn envoy() -> Result<PathBuf> {
    let named = std::env::var_os("ENVOY").filter(|path| !path.is_empty());
    let path = named.map_or_else(|| at("target/envoy/1.40.0/envoy"), PathBuf::from);
    ensure!(path.is_file(), "there is no Envoy at {}: run `make envoy`", path.display());
    Ok(path)
}

/// A file's text.
pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// Makes a file.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| path.display().to_string())
}
