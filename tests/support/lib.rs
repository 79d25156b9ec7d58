//! Parts that tests of the core and tests on real Envoys share: a host in memory, certificates as authorities issue them
//! and byte by byte, registries, the table of scenarios, and golden files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::integer_division,
    reason = "a broken test set-up should stop the test, with words"
)]

use std::path::{Path, PathBuf};

pub mod certificates;
pub mod der;
pub mod dice;
pub mod fakes;
pub mod laws;
pub mod module;
pub mod odd;
pub mod protobuf_struct;
pub mod registry;
pub mod renew;
pub mod scenarios;
pub mod strings;

/// The top of the repository.
pub fn repository() -> &'static Path {
    // This package is in tests/support.
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("a folder two above")
}

/// The binary `certgate`, which Cargo puts beside the tests that it builds.
///
/// # Panics
///
/// Where the binary is missing, or older than the source of the command line.
pub fn command_line() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let binary = test.parent().and_then(Path::parent).expect("the folder of the tests").join("certgate");
    let built = modified(&binary).unwrap_or_else(|| panic!("no binary {}: run `cargo build`", binary.display()));
    for folder in ["src/core", "src/manage", "src/cli"] {
        let newest = newest(&repository().join(folder));
        assert!(newest <= Some(built), "{} is older than {folder}: run `cargo build`", binary.display());
    }
    binary
}

fn modified(file: &Path) -> Option<std::time::SystemTime> {
    file.metadata().and_then(|metadata| metadata.modified()).ok()
}

/// When a Rust file of the product in the folder was last changed. Cargo builds the binary anew for each of these, and
/// not for a file of tests or a manifest.
fn newest(folder: &Path) -> Option<std::time::SystemTime> {
    let entries = std::fs::read_dir(folder).expect("a folder of source").map(|entry| entry.expect("an entry").path());
    let product = entries.filter(|path| path.file_stem().is_some_and(|name| name != "tests"));
    let modified = |path: PathBuf| match path.extension() {
        _ if path.is_dir() => newest(&path),
        Some(extension) if extension == "rs" => modified(&path),
        _ => None,
    };
    product.filter_map(modified).max()
}
