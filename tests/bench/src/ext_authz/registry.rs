//! Who is who.

use crate::bucket::Bucket;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// Clients by their certificates' fingerprints.
pub(crate) struct Registry(HashMap<String, Client>);

/// A client.
pub(crate) struct Client {
    /// Its name.
    pub(crate) alias: String,
    /// Its tier's.
    pub(crate) tier: String,
    bucket: Bucket,
}

impl Registry {
    /// Reads `{"<fingerprint>": {"alias": "...", "tier": "..."}}`.
    pub(crate) fn read(path: &Path, tokens: u64) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let entries: HashMap<String, Value> = serde_json::from_str(&text)?;
        let client = |(fingerprint, entry): (String, Value)| {
            let text = |name: &str| entry[name].as_str().with_context(|| format!("{fingerprint}: {name}"));
            let (alias, tier) = (text("alias")?.to_owned(), text("tier")?.to_owned());
            Ok((fingerprint, Client { alias, tier, bucket: Bucket::new(tokens) }))
        };
        Ok(Self(entries.into_iter().map(client).collect::<Result<_>>()?))
    }

    /// The client with this certificate.
    pub(crate) fn find(&self, fingerprint: &str) -> Option<&Client> {
        self.0.get(fingerprint)
    }
}

impl Client {
    /// Takes a token, if there is one.
    pub(crate) fn take(&self) -> bool {
        self.bucket.take()
    }
}
