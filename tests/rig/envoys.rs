//! Where the Envoy binaries are. `make envoys` puts them there.

pub use certgate_test_support::repository;
use std::path::PathBuf;

/// Every version that certgate is tested on; the last one is pinned for what needs only one. The Makefile has the same
/// list, and a test holds the two together.
pub const VERSIONS: [&str; 4] = ["1.36.4", "1.37.0", "1.39.3", PINNED];

/// The version that runs where a test does not ask for another.
pub const PINNED: &str = "1.40.0";

/// The binary of the pinned version, or the one that `ENVOY` names.
pub fn pinned() -> PathBuf {
    match std::env::var_os("ENVOY") {
        Some(path) if !path.is_empty() => present(path.into(), "ENVOY names it"),
        _ => version(PINNED),
    }
}

/// The binary of a version in [`VERSIONS`].
pub fn version(version: &str) -> PathBuf {
    present(repository().join("target/envoy").join(version).join("envoy"), "run `make envoys`")
}

fn present(path: PathBuf, hint: &str) -> PathBuf {
    assert!(path.is_file(), "there is no Envoy at {}: {hint}", path.display());
    path
}
