//! The library that the filters and the command line of certgate share: from a configuration and a peer certificate to a
//! decision about a request. This crate does not know a proxy, and does not read a clock, a file or the network, or print.
//!
//! # Modules
//!
//! | module | content | uses |
//! |---|---|---|
//! | [`domain`] | names, limits, buckets, clients, rules, decisions | nothing |
//! | [`certificate`] | certificates and revocation lists, from text to contents | `domain` |
//! | [`calendar`] | the windows that quotas count in, and moments as text | `domain` |
//! | [`config`] | bytes to [`domain::policy::Policy`], or every error in them | `domain`, `certificate`, `calendar` |
//! | [`telemetry`] | counters, gauges and the audit log, on any host | `domain`, `certificate`, `calendar` |
//! | [`engine`] | one request, from evidence to decision, on any host | `domain`, `certificate`, `calendar`, `telemetry` |
//! | [`runtime`] | a policy that is active, on any host | `domain`, `engine`, `telemetry` |
//!
//! # One request
//!
//! A filter brings the request's headers in one call and hands them to [`engine::apply::handle`]. That removes the headers
//! that only certgate may set, and asks [`engine::Engine::decide`]: it finds the rule that decides, identifies the client by
//! the peer certificate, checks credential and certificate at this moment, checks whether the rule admits the client, and
//! charges each limit that applies. The [`engine::Decision`] is data; it is then applied to the request's headers, counted
//! and logged, and the request goes on or is answered.

pub mod calendar;
pub mod certificate;
pub mod config;
pub mod domain;
pub mod engine;
pub mod runtime;
pub mod telemetry;
