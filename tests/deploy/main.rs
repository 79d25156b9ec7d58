//! certgate where its users run Envoy. Some of this needs more than an Envoy; see `support/parts.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::integer_division,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it measured"
)]

use certgate_test_rig as support;

mod audit;
mod authorities;
mod collector;
mod compose;
mod copy;
mod demo;
mod duplicate_keys;
mod envoy_crl;
mod expiry;
mod failure_policy;
mod manifests;
mod patched;
mod platform;
mod prometheus;
mod rendered;
mod reproducible;
mod sidecar;
mod soak;
mod startup;
mod traces;
mod upgrade;
mod watch;
