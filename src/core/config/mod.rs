//! Bytes to [`Policy`], or every error in them, each with its path.
//!
//! The bytes are JSON text or a `google.protobuf.Struct`; both are taken in by the same code. A registry may hold
//! 100,000 clients, so no tree of the whole of it ever exists: one entry at a time is read into a small tree, compiled
//! and dropped, and names are resolved at the end. This room must not hold anything that decides about requests.

mod clients;
mod conditions;
mod credentials;
mod document;
mod duration;
mod error;
mod fields;
mod fingerprint;
mod headers;
mod identity;
mod image;
mod inspect;
mod json;
mod limits;
mod names;
mod names_by_attribute;
mod node;
mod path;
mod protobuf;
mod revocation;
mod rules;
mod show;
mod tiers;

pub use error::{Error, Errors, Problem};
pub use fingerprint::NotAFingerprint;
pub use node::{PRIVATE_KEY, is_private_key, whole_number};
pub use path::path_step;
pub use show::{Found, Shown};

use crate::domain::policy::Policy;
use document::Document;
use serde::de::Deserializer;

/// What the filter that a configuration is for can do.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    /// Whether the filter counts the bytes of bodies, for limits of `kind: bytes`.
    pub bytes: bool,
}

impl Default for Capabilities {
    /// Everything that any filter can do.
    fn default() -> Self {
        Self { bytes: true }
    }
}

/// The policy that `bytes` describe, or everything that is wrong with them.
pub fn read(bytes: &[u8]) -> Result<Policy, Errors> {
    document(bytes, Capabilities::default()).finish()
}

/// The policy that `data` describe, or everything that is wrong with them: for a reader of a format of its own, whose data
/// are complete and so never an error themselves.
pub fn read_from<'de, D: Deserializer<'de>>(data: D) -> Result<Policy, Errors> {
    let mut document = Document::default();
    if let Err(error) = document.read(data) {
        document.fail(Problem::Struct(error.to_string()));
    }
    document.finish()
}

/// The policy that `bytes` describe as an image for [`load`], or everything that is wrong with them. `None` if there is no
/// image of it; such a configuration has to be [`read`] wherever it is used.
/// Limits that a filter with these capabilities cannot count are errors.
pub fn compile(bytes: &[u8], capabilities: Capabilities) -> Result<Option<Vec<u8>>, Errors> {
    document(bytes, capabilities).compile()
}

/// The policy that was [compiled](compile); `None` if these bytes are no image of one.
pub fn load(image: Vec<u8>) -> Option<Policy> {
    image::decode(image)
}

fn document(bytes: &[u8], capabilities: Capabilities) -> Document {
    let mut document = Document::new(capabilities);
    if bytes.trim_ascii().is_empty() {
        document.fail(Problem::Empty);
    } else if let Some(data) = protobuf::decode(bytes).filter(|data| data.has("version") || !json::resembles(bytes)) {
        if let Err(error) = document.read(data) {
            document.fail(Problem::Struct(error.to_string()));
        }
    } else if let Err(problem) = json::read(bytes, &mut document) {
        document.fail(problem);
    }
    document
}
