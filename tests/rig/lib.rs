//! What the tests on real Envoys and the demo stand on: certificates, clients, upstreams, and Envoys that run the
//! shipped configuration.
//!
//! A test makes a [`world::World`], starts an Envoy with [`world::World::bootstrap`], and calls it with a
//! [`client::Caller`]. Everything that was started ends when its value is dropped; every wait is bounded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::print_stderr,
    clippy::new_without_default,
    reason = "a broken test set-up should stop the test, with words"
)]

pub use certgate_test_support::{causes, command_line, der, dice, module, odd, renew, scenarios, strings};

pub mod admin;
pub mod bootstrap;
pub mod client;
pub mod ecds;
pub mod echo;
pub mod envoy;
pub mod envoys;
pub mod fields;
pub mod http1;
pub mod mutant;
pub mod open;
pub mod parts;
pub mod pki;
pub mod process;
pub mod raw;
pub mod registry;
pub mod request;
pub mod upstream;
pub mod wait;
pub mod world;
