//! A registry in a file that Envoy watches (ECDS), replaced while Envoy runs.

use super::admin::Admin;
use super::wait::until;
use std::fs;
use std::path::{Path, PathBuf};

const STATS: &str = "extension_config_discovery.http_filter.certgate";

/// What became of a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in force on all workers.
    Live,
    /// It was refused, and the one before is still in force.
    Refused,
    /// It says what is in force already.
    Unchanged,
}

/// A watched file.
#[derive(Debug)]
pub struct Ecds {
    path: PathBuf,
    live: String,
}

impl Ecds {
    /// The file at this path, which an Envoy has loaded.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), live: fs::read_to_string(path).expect("the watched file") }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the file by a rename, as Envoy wants it.
    pub fn rename_over(&self, text: &str) {
        let beside = self.path.with_extension("new");
        fs::write(&beside, text).expect("a file beside the watched one");
        fs::rename(&beside, &self.path).expect("a rename over the watched file");
    }

    /// Replaces the file as [`Self::rename_over`] does, and waits until Envoy has taken it up or refused it. Envoy
    /// counts a reload once every worker has it.
    pub async fn replace(&mut self, admin: Admin, text: &str) -> Outcome {
        let before = Counts::read(admin).await;
        self.rename_over(text);
        if text == self.live {
            return Outcome::Unchanged;
        }
        let outcome = until("the new registry to be taken up or refused", async || {
            let now = Counts::read(admin).await;
            // A registry that is refused counts as a reload too.
            if now.failures > before.failures {
                Some(Outcome::Refused)
            } else {
                (now.reloads > before.reloads).then_some(Outcome::Live)
            }
        })
        .await;
        if outcome == Outcome::Live {
            text.clone_into(&mut self.live);
        }
        outcome
    }
}

/// What Envoy counts of the watched file, all at one moment.
struct Counts {
    reloads: u64,
    failures: u64,
}

impl Counts {
    async fn read(admin: Admin) -> Self {
        let stats = admin.stats().await;
        let count = |name: &str| stats.get(&format!("{STATS}.{name}")).copied().unwrap_or_default();
        Self { reloads: count("config_reload"), failures: count("config_fail") }
    }
}
