//! The compiled module in real Envoys under full load: what is admitted, to the request. Each test has the machine for
//! itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it measured"
)]

use certgate_test_rig as support;

mod admitted;
mod bandwidth;
mod calls;
mod kept;
mod reload;
mod scale;
mod store;
