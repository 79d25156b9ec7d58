//! What the words mean. Pure: no serde, no host, no clock, no log, and no other room of this crate.
//!
//! Everything here is data that cannot be wrong once it exists (names that are names, limits that are honest) and
//! the laws over it. Reading it from text is [`crate::config`]'s work, deciding with it [`crate::engine`]'s.

pub mod bucket;
pub mod client;
pub mod cost;
pub mod credential;
pub mod decision;
pub mod expiry;
pub mod fingerprint;
pub mod headers;
pub mod identity;
pub mod level;
pub mod limit;
pub mod limits;
pub mod mode;
pub mod name;
pub mod policy;
pub mod quota;
pub mod rate;
mod record;
pub mod registry;
pub mod revocation;
pub mod route;
pub mod rules;
pub mod serials;
mod slots;
pub mod sorted;
pub mod table;
pub mod table_builder;
pub mod time;
