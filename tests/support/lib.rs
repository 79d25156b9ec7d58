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

use std::path::Path;

pub mod causes;
pub mod certificates;
pub mod command_line;
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
