//! Bytes to [`Policy`], or every error in them, each with its path.
//!
//! The bytes are JSON text or a `google.protobuf.Struct`; the same code reads both. A registry may hold 100,000 clients,
//! so no tree of a whole registry exists: one entry at a time is read into a small tree, compiled and dropped. Names are
//! resolved at the end. This module decides nothing about requests.

mod capabilities;
mod clients;
mod conditions;
mod credentials;
mod distinguished_name;
mod document;
mod duration;
mod error;
mod fields;
mod fingerprint;
mod found;
mod headers;
mod identity;

mod inspect;
mod json;
mod limits;
mod node;
mod path;
mod protobuf;
mod redacted;
mod revocation;
mod rules;
mod snapshot;
mod suggestions;
mod tiers;

pub use capabilities::Capabilities;
pub use error::{Error, Errors, Problem};
pub use fingerprint::NotAFingerprint;
pub use found::Found;
pub use headers::{IDENTITY_HEADERS, RESERVED_HEADER_PREFIXES, RESERVED_HEADERS};
pub use node::{LARGEST_INTEGER, PRIVATE_KEY, is_private_key, whole_number};
pub use path::path_step;
pub use redacted::Redacted;

use crate::domain::expiry::Expiries;
use crate::domain::policy::Policy;
use crate::domain::removed::RemovedCredentials;
use document::Document;
use serde::de::Deserializer;
use snapshot::Blocks;

/// The policy that `bytes` describe, or every error in them.
pub fn read(bytes: &[u8]) -> Result<Policy, Errors> {
    document(bytes, Capabilities::default()).finish()
}

/// The policy that `data` describe, or every error in them. For readers of other formats, whose data are complete.
pub fn read_from<'de, D: Deserializer<'de>>(data: D) -> Result<Policy, Errors> {
    let mut document = Document::default();
    if let Err(error) = document.read(data) {
        document.fail(Problem::Struct(error.to_string()));
    }
    document.finish()
}

/// A snapshot of the policy that `bytes` describe, for [`load`], or every error in them. `None` if the configuration has no
/// snapshot; each worker has to [`read`] such a configuration. Limits beyond the `capabilities` are errors.
pub fn compile(bytes: &[u8], capabilities: Capabilities) -> Result<Option<Vec<u8>>, Errors> {
    compile_after(bytes, capabilities, &|| None)
}

/// Compiles as [`compile`] does. The snapshot also has the credentials that were removed since the `former` snapshot, if
/// there is one.
pub fn compile_after(
    bytes: &[u8],
    capabilities: Capabilities,
    former: &dyn Fn() -> Option<Vec<u8>>,
) -> Result<Option<Vec<u8>>, Errors> {
    document(bytes, capabilities).compile(former)
}

/// The policy of a snapshot that [`compile`] has made; `None` if the bytes are no snapshot.
pub fn load(snapshot: Vec<u8>) -> Option<Policy> {
    let Blocks { json, expiries, removed, .. } = snapshot::split(&snapshot)?;
    let mut document = Document::default();
    json::read(json, |json| document.read(json)).ok()?;
    let expiries = Expiries::from_bytes(expiries.to_vec());
    let removed = RemovedCredentials::from_bytes(removed)?;
    document.finish_with(snapshot::table(snapshot)?, expiries, removed)
}

fn document(bytes: &[u8], capabilities: Capabilities) -> Document {
    let mut document = Document::new(capabilities);
    if bytes.trim_ascii().is_empty() {
        document.fail(Problem::Empty);
    } else if let Some(data) = protobuf::decode(bytes).filter(|data| data.has("version") || !json::resembles(bytes)) {
        if let Err(error) = document.read(data) {
            document.fail(Problem::Struct(error.to_string()));
        }
    } else if let Err(problem) = json::read(bytes, |json| document.read(json)) {
        document.fail(problem);
    }
    document
}
