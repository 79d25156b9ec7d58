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

use certgate_test_rig as support;

mod bandwidth;
mod behind;
mod causes;
mod chains;
mod dates;
mod durations;
mod fail_closed;
mod flood;
mod handshakes;
mod headers;
mod held;
mod host_calls;
mod identity;
mod lifecycle;
mod limits;
mod lint;
mod listeners;
mod odd_certificates;
mod paths;
mod patience;
mod relays;
mod reload;
mod revocation;
mod revocation_names;
mod router;
mod rules;
mod scenarios;
mod shipped;
mod smoke;
mod starved;
