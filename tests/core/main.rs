//! The core's tests: everything that needs no Envoy.
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
#![allow(unreachable_pub, reason = "what is in support/ belongs to several test crates")]

#[path = "../support/der.rs"]
mod der;
#[path = "../support/dice.rs"]
mod dice;
#[allow(dead_code, reason = "shared by several crates, each of which uses a part")]
#[path = "../support/odd.rs"]
mod odd;
#[path = "../support/protobuf_struct.rs"]
mod protobuf_struct;
#[path = "../support/strings.rs"]
mod strings;

mod audit;
mod bandwidth;
mod bucket_laws;
mod certificate_differential;
mod certificate_flips;
mod certificates;
mod cli;
mod config_errors;
mod config_laws;
mod config_policy;
mod contents;
mod decisions;
mod engine;
mod expiry;
mod former_limits;
mod governor;
mod identity;
mod limits;
mod module;
mod openssl;
mod pages;
mod patterns;
mod people;
mod quota_laws;
mod rate_limit;
mod relays;
mod render;
mod revocation_names;
mod rooms;
mod routes;
mod rule_limits;
mod scenarios;
mod unreadable_parts;
mod upstreams;
