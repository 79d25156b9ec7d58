//! Where the finished module is. `make wasm` puts it there.

use super::envoys::repository;
use std::path::PathBuf;

/// The path of `certgate.wasm`, or what `CERTGATE_WASM` names.
pub fn path() -> PathBuf {
    let path = match std::env::var_os("CERTGATE_WASM") {
        Some(path) if !path.is_empty() => path.into(),
        _ => repository().join("target/certgate.wasm"),
    };
    assert!(path.is_file(), "there is no module at {}: run `make wasm`", path.display());
    path
}
