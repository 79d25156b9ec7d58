//! The domain: pure types and functions, without serde, host, clock, log, or another module of this crate.
//!
//! Values are correct by construction, such as names and limits. [`crate::config`] reads them from text,
//! [`crate::engine`] decides with them.

pub mod bucket;
pub mod cause;
pub mod client;
pub mod cost;
pub mod credential;
pub mod decision;
pub mod expiry;
pub mod fingerprint;
pub mod generation;
pub mod headers;
pub mod identity;
pub mod limit;
pub mod limit_state;
pub mod limits;
pub mod mode;
pub mod name;
pub mod policy;
pub mod quota;
pub mod rate;
mod record;
pub mod registry;
pub mod removed;
pub mod revocation;
pub mod route;
pub mod rules;
pub mod serials;
mod slots;
pub mod sorted;
pub mod table;
pub mod table_builder;
mod table_layout;
pub mod time;
