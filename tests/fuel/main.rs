//! What the finished module costs in an interpreter that counts: fuel and host calls for each kind of request, and
//! memory for registries of every size. The same figures on every machine, so that a change that costs more is seen
//! when it is made; how many microseconds they are is for tests with a real Envoy to say.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::integer_division,
    clippy::print_stdout,
    clippy::unwrap_in_result,
    reason = "a test fails by panicking, and shows its figures"
)]

use certgate_test_support::{module, renew};

mod budget;
mod certificate;
mod held;
mod host;
mod limit_lists;
mod meter;
mod names;
mod paths;
mod process;
mod registry;
mod scale;
mod vm;
