//! The tables of all parts of a configuration.

mod attributes;
mod clients;
mod document;
mod headers;
mod identity;
mod limits;
mod rules;

use super::table::Part;
use super::table::{Field, Kind, Presence};
use super::text::NAME;

pub use document::DOCUMENT;
pub(super) use limits::COST;

/// All parts, in the order in which a reader meets them.
pub static PARTS: [&Part; 15] = [
    &DOCUMENT,
    &limits::TIER,
    &limits::TOKEN_BUCKET,
    &limits::QUOTA,
    &limits::BYTES,
    &clients::CLIENT,
    &clients::CREDENTIAL,
    &attributes::ATTRIBUTES,
    &rules::RULE,
    &rules::MATCH,
    &identity::IDENTITY,
    &identity::RELAY,
    &identity::CRL,
    &headers::HEADERS,
    &document::METRICS,
];

const NAMES: Kind = Kind::List { of: &Kind::Text(&NAME), least: 0, unique: true };
const SOME_NAMES: Kind = Kind::List { of: &Kind::Text(&NAME), least: 1, unique: true };

const MODE_VALUES: Kind = Kind::Choice(&["enforce", "shadow"]);

const fn required(name: &'static str, kind: Kind, meaning: &'static str) -> Field {
    Field::new(name, kind, Presence::Required, meaning)
}

/// A field that has this value, as JSON, if it is absent.
const fn or_default(name: &'static str, kind: Kind, default: &'static str, meaning: &'static str) -> Field {
    Field::new(name, kind, Presence::Default(default), meaning)
}

/// A field whose absence means something that no value means.
const fn optional(name: &'static str, kind: Kind, absent: &'static str, meaning: &'static str) -> Field {
    Field::new(name, kind, Presence::Absent(absent), meaning)
}
