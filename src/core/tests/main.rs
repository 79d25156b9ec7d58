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

use certgate_test_support::{der, dice, odd, protobuf_struct, repository, scenarios as table, strings};

mod audit;
mod bandwidth;
mod bucket_laws;
mod certificate_differential;
mod certificate_flips;
mod certificates;
mod config_errors;
mod config_laws;
mod config_policy;
mod contents;
mod decide;
mod decisions;
mod engine;
mod expiry;
mod former_limits;
mod governor;
mod identity;
mod limits;
mod openssl;
mod patterns;
mod people;
mod quota_laws;
mod rate_limit;
mod relays;
mod revocation_names;
mod routes;
mod rule_limits;
mod scenarios;
mod unreadable_parts;
mod upstreams;
