//! Parts of the tests that need more of a machine than Rust, Python and an Envoy: `SKIP=docker,netns` leaves them out,
//! and otherwise a tool or a folder that is missing is a failure that names it.

use super::envoys::repository;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

static LOOKS: AtomicUsize = AtomicUsize::new(0);

/// Such a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Containers: a Docker engine that answers, and Compose.
    Docker,
    /// Network namespaces of Linux.
    Netns,
    /// Prometheus and its promtool.
    Prometheus,
    /// The schemas of Kubernetes objects that Istio and Envoy Gateway publish.
    Crds,
}

impl Part {
    /// Every part, by its name in `SKIP`, which the Makefile has too.
    pub const ALL: [(&str, Self); 4] =
        [("docker", Self::Docker), ("netns", Self::Netns), ("prometheus", Self::Prometheus), ("crds", Self::Crds)];

    /// Whether its tests run: not if `SKIP` names it. Panics where they should and something is missing.
    pub fn runs(self) -> bool {
        if skipped().any(|part| part == self) {
            eprintln!("skipped, as SKIP says: {self:?}");
            return false;
        }
        if let Err(missing) = self.available() {
            let (name, _) = Self::ALL.into_iter().find(|(_, part)| *part == self).expect("a part among all");
            panic!("{missing}; SKIP={name} leaves these tests out");
        }
        true
    }

    fn available(self) -> Result<(), String> {
        match self {
            Self::Docker => {
                on_path("docker-compose")?;
                succeeds("docker", &["info"], "the Docker engine does not answer")
            }
            Self::Netns => {
                on_path("ip")?;
                // Tests that run at once look at once.
                let look = LOOKS.fetch_add(1, Ordering::Relaxed);
                let name = format!("certgate-{}-look-{look}", std::process::id());
                succeeds("ip", &["netns", "add", &name], "no network namespace can be made here")?;
                succeeds("ip", &["netns", "delete", &name], "a network namespace cannot be removed")
            }
            Self::Prometheus => on_path("prometheus").and_then(|()| on_path("promtool")),
            Self::Crds => is_folder(&crds()),
        }
    }
}

/// The folder with the schemas: the one that `CRDS` names, or the one beside the repository.
pub fn crds() -> PathBuf {
    match env::var_os("CRDS") {
        Some(folder) if !folder.is_empty() => folder.into(),
        _ => repository().join("../shared/crds"),
    }
}

fn skipped() -> impl Iterator<Item = Part> {
    let skip = env::var("SKIP").unwrap_or_default();
    let part = |name: &str| {
        let known = Part::ALL.into_iter().find(|(known, _)| *known == name);
        known.unwrap_or_else(|| panic!("SKIP names {}, not {name}", Part::ALL.map(|(known, _)| known).join(", "))).1
    };
    let names: Vec<Part> = skip.split(',').map(str::trim).filter(|name| !name.is_empty()).map(part).collect();
    names.into_iter()
}

fn is_folder(path: &Path) -> Result<(), String> {
    if path.is_dir() {
        return Ok(());
    }
    Err(format!("these tests need the schemas that CONTRIBUTING.md lists, and there is no folder {}", path.display()))
}

fn on_path(tool: &str) -> Result<(), String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|folder| fs::metadata(Path::new(&folder).join(tool)).is_ok());
    if found { Ok(()) } else { Err(format!("these tests need {tool}, which is not on PATH")) }
}

fn succeeds(tool: &str, arguments: &[&str], otherwise: &str) -> Result<(), String> {
    on_path(tool)?;
    let output = Command::new(tool).args(arguments).output().map_err(|error| format!("{tool}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{otherwise}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
