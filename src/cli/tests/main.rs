//! The command line, through the binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::integer_division,
    reason = "a test fails by panicking"
)]

use certgate_test_support::{der, repository};

mod cli;
mod documentation;
mod lint;
mod patch;
mod render;
mod schema;
mod watch;
