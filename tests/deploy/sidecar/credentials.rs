//! A workload's certificate, key and authorities, in files that the shipped SDS files name, and how they are replaced.

use crate::support::bootstrap::shipped;
use crate::support::pki::{Authority, Identity};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use tempfile::TempDir;

/// The shipped SDS files.
pub(super) const SDS: [&str; 2] = ["sidecar-sds-certificate.yaml", "sidecar-sds-authorities.yaml"];

/// A folder that stands for `envoy` and `target/sidecar` at the top of the repository.
pub(super) struct Credentials {
    folder: TempDir,
    generation: u32,
}

impl Credentials {
    /// Without any yet.
    pub(super) fn none() -> Self {
        let credentials = Self { folder: TempDir::with_prefix("certgate-sidecar-").unwrap(), generation: 0 };
        fs::create_dir_all(credentials.path("target/sidecar")).unwrap();
        fs::create_dir(credentials.path("envoy")).unwrap();
        for file in SDS {
            let text = credentials.elsewhere(&shipped(file)).to_string();
            fs::write(credentials.path("envoy").join(file), text).unwrap();
        }
        credentials
    }

    /// With these at first.
    pub(super) fn new(identity: &Identity, trusted: &[&Authority]) -> Self {
        let mut credentials = Self::none();
        credentials.replace(identity, trusted);
        credentials
    }

    /// Replaces all of them at once, as Kubernetes does.
    pub(super) fn replace(&mut self, identity: &Identity, trusted: &[&Authority]) {
        self.generation += 1;
        let generation = format!("generation-{}", self.generation);
        let folder = self.path("target/sidecar");
        fs::create_dir(folder.join(&generation)).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.join(&generation).join(name), text).unwrap();
        write("tls.crt", &identity.certificate_pem);
        write("tls.key", &identity.key_pem);
        write("ca.crt", &trusted.iter().map(|authority| &*authority.identity().certificate_pem).collect::<String>());
        symlink(&generation, folder.join("next")).unwrap();
        fs::rename(folder.join("next"), folder.join("current")).unwrap();
    }

    /// A shipped document with its paths leading here.
    pub(super) fn elsewhere(&self, document: &Value) -> Value {
        let mut document = document.clone();
        self.lead_here(&mut document);
        document
    }

    fn lead_here(&self, value: &mut Value) {
        match value {
            Value::String(text) if text == "envoy" || text.starts_with("envoy/") || text.starts_with("target/") => {
                *text = self.path(text).display().to_string();
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.lead_here(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.lead_here(value)),
            _ => {}
        }
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }
}
