//! Operations on registries: load, lint, render; and what a registry says of a certificate. Each returns data. This room
//! must not print, must not know command lines, and must not ask for the time.

pub mod crl_signature;
mod diagnostic;
pub mod fingerprint;
mod lint;
mod load;
pub mod render;

pub use diagnostic::code::Code;
pub use diagnostic::{Diagnostic, Severity};
pub use lint::lint;
pub use load::document::{Document, Position, Span};
pub use load::tree::{Entry, Node, Value};
pub use load::{Format, Loaded, load};
