//! A copy of `envoy/` in a folder of its own, started with `docker-compose` under a name of its own.

use super::command::{bounded, run, said, text};
use super::images;
use crate::support::command_line::static_command_line;
use crate::support::envoys::repository;
use crate::support::module;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// Waits until whoever started it closes its standard input or dies, even by SIGKILL; then removes everything.
const REMOVES_IT_ALL: &str = r#"
read -r _
timeout 120 docker-compose down --volumes --remove-orphans --timeout 1
timeout 120 docker rmi --force "$@"
rm -rf "${PWD%/envoy}"
"#;

/// Everything that a project has: files, containers, networks, volumes, images. All of it goes when this is dropped.
pub(super) struct Project {
    environment: BTreeMap<&'static str, String>,
    remover: Child,
    dir: TempDir,
}

impl Project {
    /// The files, as in a clone after `make wasm certgate`, and the images; nothing runs yet.
    pub(super) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("certgate-test-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let dir = TempDir::with_prefix("certgate-compose-").expect("a folder");
        run(repository(), "cp", [Path::new("-r"), Path::new("envoy"), dir.path()]);
        fs::create_dir(dir.path().join("target")).expect("a folder");
        fs::copy(module::path(), dir.path().join("target/certgate.wasm")).expect("a copy of the module");
        fs::copy(static_command_line(), dir.path().join("target/certgate")).expect("a copy of the command line");
        let mut environment: BTreeMap<_, _> = images::named(&name).collect();
        let built: Vec<String> = environment.values().cloned().collect();
        environment.insert("COMPOSE_PROJECT_NAME", name.clone());
        for port in ["CERTGATE_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT"] {
            environment.insert(port, free_port().to_string());
        }
        let remover = Command::new("sh")
            .args(["-c", REMOVES_IT_ALL, "remover"])
            .args(built)
            .envs(&environment)
            .current_dir(dir.path().join("envoy"))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh can be started");
        let project = Self { environment, remover, dir };
        images::build(&project.dir.path().join("images"), &name);
        project
    }

    /// What `docker-compose` says to these arguments. Panics if it fails.
    pub(super) fn compose(&self, arguments: &[&str]) -> String {
        text(&mut self.command(arguments))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bounded("docker-compose");
        command.args(arguments).envs(&self.environment).current_dir(self.path("envoy")).stdin(Stdio::null());
        command
    }

    /// A file or folder beside the copy of `envoy/`.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The port that a variable of `compose.yaml` says.
    pub(super) fn port(&self, variable: &str) -> u16 {
        self.environment[variable].parse().expect("a port")
    }

    /// What Docker knows of a service's container.
    pub(super) fn inspect(&self, service: &str) -> Value {
        let found: Value = serde_json::from_slice(&self.docker(&["inspect", &self.id(service)])).expect("JSON");
        found[0].clone()
    }

    /// Copies a file or folder out of a service's container.
    pub(super) fn copy_out(&self, service: &str, path: &str, to: &str) {
        self.docker(&["cp", &format!("{}:{path}", self.id(service)), to]);
    }

    /// What a service's container has written.
    pub(super) fn log(&self, service: &str) -> String {
        let mut command = bounded("sh");
        let output = command.args(["-c", r#"docker logs "$0" 2>&1"#, &self.id(service)]);
        String::from_utf8_lossy(&said(output)).into_owned()
    }

    /// The container of a service. `docker-compose ps` says it too, and takes a second.
    fn id(&self, service: &str) -> String {
        let project = format!("label=com.docker.compose.project={}", self.environment["COMPOSE_PROJECT_NAME"]);
        let service = format!("label=com.docker.compose.service={service}");
        let proper = "label=com.docker.compose.oneoff=False";
        let filters = ["ps", "--all", "--quiet", "--filter", &project, "--filter", &service, "--filter", proper];
        String::from_utf8(self.docker(&filters)).expect("text in UTF-8").trim().to_owned()
    }

    fn docker(&self, arguments: &[&str]) -> Vec<u8> {
        said(bounded("docker").args(arguments).current_dir(self.dir.path()))
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = self.command(&["logs", "--no-color", "--tail=30"]).output();
            let log = logs.map(|logs| String::from_utf8_lossy(&logs.stdout).into_owned()).unwrap_or_default();
            // Without what Envoy and Prometheus always say.
            let is_telling = |line: &&str| {
                !["][info][", "level=info"].iter().any(|usual| line.contains(usual)) || line.contains("][wasm]")
            };
            eprintln!(
                "--- what the services wrote:\n{}\n---",
                log.lines().filter(is_telling).collect::<Vec<_>>().join("\n")
            );
        }
        drop(self.remover.stdin.take());
        drop(self.remover.wait());
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}
