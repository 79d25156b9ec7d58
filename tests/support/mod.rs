//! What the tests on real Envoys and the demo stand on: certificates, clients, upstreams, and Envoys that run the
//! shipped configuration.
//!
//! A test makes a [`world::World`], starts an Envoy with [`world::World::bootstrap`], and calls it with a
//! [`client::Caller`]. Everything that was started ends when its value is dropped; every wait is bounded.
#![allow(dead_code, reason = "shared by several crates, each of which uses a part")]
#![allow(unreachable_pub, reason = "the face of a module that several crates include")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::print_stderr,
    reason = "a broken test set-up should stop the test, with words"
)]

pub mod admin;
pub mod bootstrap;
pub mod client;
pub mod der;
pub mod dice;
pub mod ecds;
pub mod echo;
pub mod envoy;
pub mod envoys;
pub mod fields;
pub mod http1;
pub mod module;
pub mod mutant;
pub mod odd;
pub mod open;
pub mod parts;
pub mod pki;
pub mod process;
pub mod raw;
pub mod registry;
pub mod renew;
pub mod request;
pub mod scenarios;
pub mod strings;
pub mod upstream;
pub mod wait;
pub mod world;
