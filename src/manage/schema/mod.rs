//! The tables of a configuration, and its JSON Schema. The tables have every field with its type, meaning and default;
//! the schema and the reference page are made of them. The configuration's reader is in `certgate-core`; tests hold the
//! two together.

mod json_schema;
mod parts;
mod table;
mod text;

pub use json_schema::json_schema;
pub use parts::{DOCUMENT, PARTS};
pub use table::{Field, Kind, Part, Presence, Relation, Variants};
pub use text::{TEXTS, Text};
