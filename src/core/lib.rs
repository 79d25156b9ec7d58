//! What the filters and the command line of certgate share: from a configuration and a peer certificate to a decision
//! about a request. Nothing here knows a proxy, reads a clock, a file or the network, or prints.
//!
//! # Modules
//!
//! | module | content | uses |
//! |---|---|---|
//! | [`domain`] | names, limits, buckets, clients, rules, decisions | nothing |
//! | [`certificate`] | certificates and revocation lists, from text to contents | `domain` |
//! | [`calendar`] | the windows that quotas count in, and moments as text | `domain` |
//! | [`config`] | bytes to [`domain::policy::Policy`], or every error in them | `domain`, `certificate`, `calendar` |
//! | [`telemetry`] | counters, gauges and the audit log, on any host | `domain`, `calendar` |
//! | [`engine`] | one request, from evidence to decision, on any host | `domain`, `certificate`, `calendar`, `telemetry` |
//!
//! # One request
//!
//! A filter brings the request's headers in one call and hands them to [`engine::Engine::request`]. That removes what
//! only certgate may say, finds the rule that decides, identifies the client by the peer certificate, checks credential
//! and certificate at this moment, asks whether the rule admits the client, takes what the request costs from each limit
//! that applies, and either annotates the request or says how to reject it.

pub mod calendar;
pub mod certificate;
pub mod config;
pub mod domain;
pub mod engine;
pub mod telemetry;
