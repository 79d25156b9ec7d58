//! certgate turns the client certificate of a mutual-TLS connection into a named, tiered, throttled API consumer,
//! inside Envoy. This crate is both halves of it: the filter (`certgate.wasm`) and the command line (`certgate`).
//!
//! # The rooms
//!
//! | room | what it holds | may use |
//! |---|---|---|
//! | [`domain`] | what the words mean: names, limits, buckets, clients, decisions | nothing |
//! | [`certificate`] | certificates and revocation lists: from text to what they say | `domain` |
//! | [`calendar`] | the windows that quotas count in, and moments as text | `domain` |
//! | [`config`] | bytes to [`domain::policy::Policy`], or every error in them | `domain`, `certificate`, `calendar` |
//! | [`telemetry`] | counters, gauges and the audit log, on any host | `domain`, `calendar` |
//! | [`engine`] | one request, from evidence to decision, on any host | `domain`, `certificate`, `calendar`, `telemetry` |
//! | `filter` | Envoy as that host, through proxy-wasm; only in the WebAssembly build | all but `manage`, `cli` |
//! | `manage` | operations on registries: load, lint, render; only outside WebAssembly | all but `filter`, `cli` |
//! | `cli` | arguments and terminal; only outside WebAssembly | `manage`, `domain`, `calendar` |
//!
//! `tests/core/rooms.rs` holds these arrows.
//!
//! # One request
//!
//! `filter` brings the request's headers in one call and hands them to [`engine::Engine::request`]. That removes what
//! only certgate may say, finds the rule that decides, identifies the client by the peer certificate, checks credential
//! and certificate at this moment, asks whether the rule admits the client, takes what the request costs from each limit
//! that applies, and either annotates the request or says how to reject it.

pub mod calendar;
pub mod certificate;
pub mod config;
pub mod domain;
pub mod engine;
pub mod telemetry;

#[cfg(any(target_family = "wasm", test))]
mod filter;

#[cfg(not(target_family = "wasm"))]
pub mod cli;
#[cfg(not(target_family = "wasm"))]
pub mod manage;
