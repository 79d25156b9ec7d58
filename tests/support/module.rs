//! Where the finished modules are. `make wasm` puts them there.

use super::repository;
use std::path::PathBuf;

/// The path of `certgate.wasm`, or what `CERTGATE_WASM` names.
pub fn path() -> PathBuf {
    let path = match std::env::var_os("CERTGATE_WASM") {
        Some(path) if !path.is_empty() => path.into(),
        _ => repository().join("target/certgate.wasm"),
    };
    existing(path)
}

/// The path of `certgate-bandwidth.wasm`.
pub fn bandwidth() -> PathBuf {
    existing(repository().join("target/certgate-bandwidth.wasm"))
}

fn existing(path: PathBuf) -> PathBuf {
    assert!(path.is_file(), "there is no module at {}: run `make wasm`", path.display());
    path
}
