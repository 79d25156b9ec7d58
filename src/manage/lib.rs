//! Operations on registries: load, warn, render, watch, and the schema of them; the lint of Envoy configurations; and the
//! fingerprints of certificates. Each operation returns data. This crate must not print, must not know command lines, and
//! must not read a clock.

pub mod crl_signature;
mod diagnostic;
mod edit;
pub mod envoy_file;
pub mod fingerprint;
pub mod lint;
mod load;
pub mod patch;
mod path;
pub mod render;
mod replace;
pub mod schema;
mod span;
mod warnings;
pub mod watch;

pub use diagnostic::code::Code;
pub use diagnostic::{Diagnostic, Severity};
pub use load::document::Document;
pub use load::tree::{Entry, Form, Node, Value};
pub use load::{Format, Loaded, load, read};
pub use path::{Path, Step};
pub use replace::replace;
pub use span::{Position, Span};
pub use warnings::warnings;
