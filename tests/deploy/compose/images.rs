//! Images for `envoy/compose.yaml`, built of what is on this machine, since none can be pulled: each has the programs
//! that the service needs and the libraries that these are linked with, and nothing else.
//!
//! | in place of | what it is built of |
//! |---|---|
//! | `envoyproxy/envoy` | the pinned Envoy (`make envoy`), and bash for the healthcheck |
//! | `alpine/openssl` | openssl and a static busybox (Debian's package `busybox-static`), whose tools are Alpine's |
//! | `prom/prometheus` | Prometheus (Debian's package `prometheus`), and the same busybox for the healthcheck |
//!
//! There is no Grafana to be had like that; its queries are run against Prometheus by another test.

use super::command::{run, text};
use crate::support::envoys;
use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variables of `compose.yaml` that name images.
const VARIABLES: [&str; 3] = ["ENVOY_IMAGE", "OPENSSL_IMAGE", "PROMETHEUS_IMAGE"];

/// The name that an image gets in this project.
pub(super) fn name(project: &str, variable: &str) -> String {
    format!("{project}:{}", variable.to_lowercase().replace('_', "-"))
}

/// All variables, and the images that are in them.
pub(super) fn named(project: &str) -> impl Iterator<Item = (&'static str, String)> {
    VARIABLES.into_iter().map(move |variable| (variable, name(project, variable)))
}

/// Builds them all in this folder, under these names.
pub(super) fn build(folder: &Path, project: &str) {
    for variable in VARIABLES {
        let image = name(project, variable);
        eprintln!("building {image}");
        let context = folder.join(variable);
        fs::create_dir_all(context.join("prometheus")).expect("a folder");
        fill(variable, &Root(context.join("root")));
        // A volume has at first what the image has in its place, with its owners.
        let dockerfile = "FROM scratch\nENV PATH=/usr/local/bin:/usr/bin:/bin\nCOPY root/ /\n\
                          COPY --chown=65534:65534 prometheus/ /prometheus/\n";
        fs::write(context.join("Dockerfile"), dockerfile).expect("a Dockerfile");
        run(&context, "docker", ["build", "--quiet", "--tag", &image, "."]);
    }
}

fn fill(variable: &str, root: &Root) {
    match variable {
        "ENVOY_IMAGE" => {
            root.add(&envoys::pinned(), "/usr/local/bin/envoy");
            root.add(&program("bash", "bash"), "/usr/bin/bash");
        }
        "OPENSSL_IMAGE" => {
            root.add(&program("openssl", "openssl"), "/usr/bin/openssl");
            root.add_busybox();
        }
        "PROMETHEUS_IMAGE" => {
            root.add(&program("prometheus", "prometheus"), "/usr/bin/prometheus");
            root.add_busybox();
        }
        _ => panic!("what is to be in {variable}?"),
    }
}

/// An image's files.
struct Root(PathBuf);

impl Root {
    /// Adds a program and the libraries that it needs.
    fn add(&self, program: &Path, place: &str) {
        self.copy(program, place);
        for library in libraries(program) {
            self.copy(Path::new(&library), &library);
        }
    }

    fn add_busybox(&self) {
        let busybox = program("busybox", "busybox-static");
        assert!(libraries(&busybox).is_empty(), "the tests need the static busybox of Debian's busybox-static");
        self.copy(&busybox, "/bin/busybox");
        for tool in text(Command::new(&busybox).arg("--list")).lines().filter(|tool| *tool != "busybox") {
            symlink("busybox", self.at("/bin").join(tool)).expect("a link");
        }
    }

    fn copy(&self, file: &Path, place: &str) {
        let to = self.at(place);
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::copy(file, &to).unwrap_or_else(|error| panic!("{} to {}: {error}", file.display(), to.display()));
    }

    fn at(&self, place: &str) -> PathBuf {
        self.0.join(place.trim_start_matches('/'))
    }
}

/// Where a program of this machine is; if there is none, Debian has it in this package.
fn program(name: &str, package: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!("these tests need {name} (package {package}), which is not on PATH; SKIP=docker leaves them out")
    })
}

/// What a program is linked with; nothing where it is static.
fn libraries(program: &Path) -> Vec<String> {
    let output = Command::new("ldd").arg(program).output().expect("ldd can be started");
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    words.split_whitespace().filter(|word| word.starts_with('/')).map(str::to_owned).collect()
}
