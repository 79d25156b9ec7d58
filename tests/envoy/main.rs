//! The compiled module in real Envoys, over real TLS.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a test fails by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod bandwidth;
mod dates;
mod fail_closed;
mod flood;
mod headers;
mod host_calls;
mod limits;
mod listeners;
mod patience;
mod reload;
mod scenarios;
mod shipped;
mod smoke;
