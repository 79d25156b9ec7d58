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

mod audit_event;
mod authorize;
mod bucket_governor;
mod bucket_laws;
mod byte_count;
mod canonical_name;
mod causes;
mod certificate;
mod certificate_differential;
mod certificate_flips;
mod config_errors;
mod config_laws;
mod config_policy;
mod contents;
mod decision;
mod edits;
mod effective_limits;
mod engine;
mod expiry;
mod fixtures;
mod identity;
mod quota_laws;
mod record_laws;
mod relay;
mod response_headers;
mod route;
mod scenarios;
mod unreadable_parts;
mod uri_laws;
