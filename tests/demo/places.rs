//! The files and the port of the demo. Paths are relative to the top of the repository, as in the shipped configuration.
//! The Makefile starts the demo there.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the demo's files.
pub(crate) const FOLDER: &str = "target/demo";
/// The registry that the reader edits.
pub(crate) const REGISTRY: &str = "target/demo/registry.yaml";
/// The registry as Envoy watches it. It has a folder of its own, since Envoy reads the file again for every file that
/// comes into that folder.
pub(crate) const WATCHED: &str = "target/demo/live/registry-ecds.yaml";
/// The authorities as Envoy watches them.
pub(crate) const AUTHORITIES: &str = "target/demo/trusted-ca-sds.yaml";
/// The address of Envoy's administration interface, as Envoy has written it.
pub(crate) const ADMIN_ADDRESS: &str = "target/demo/admin-address.txt";
/// The module.
pub(crate) const MODULE: &str = "target/certgate.wasm";

/// The ports of the upstreams in the shipped files, and the sockets that take their place.
pub(crate) const UPSTREAMS: [(u16, &str); 2] = [(9001, "target/demo/default.sock"), (9002, "target/demo/gold.sock")];

/// The path of a file of the demo.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

/// The text of a file.
pub(crate) fn read(path: impl AsRef<Path>) -> Result<String, String> {
    let path = path.as_ref();
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes a file.
pub(crate) fn write(path: impl AsRef<Path>, text: &str) -> Result<(), String> {
    let path = path.as_ref();
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The port of the HTTPS listener.
pub(crate) fn port() -> Result<u16, String> {
    let Some(text) = env::var("DEMO_PORT").ok().filter(|text| !text.is_empty()) else { return Ok(8443) };
    text.parse().ok().filter(|port| *port != 0).ok_or_else(|| format!("DEMO_PORT: expected a port, found `{text}`"))
}

/// The binary of Envoy, which the Makefile names.
pub(crate) fn envoy() -> Result<PathBuf, String> {
    let path = PathBuf::from(env::var_os("ENVOY").unwrap_or_default());
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("ENVOY: expected the path of an Envoy, found `{}`", path.display()))
    }
}
