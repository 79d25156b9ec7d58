//! A running Envoy of a test.

use super::admin::Admin;
use super::bootstrap::{AtStart, Bootstrap, Resource};
use super::ecds::{Ecds, Outcome};
use super::process::{Launch, Process};
use super::wait::until;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use tempfile::TempDir;

/// A running Envoy. It ends when this is dropped.
pub struct Envoy {
    process: Process,
    /// Its administration port.
    pub admin: Admin,
    listeners: BTreeMap<String, u16>,
    watched: Option<(Ecds, Resource)>,
    access_log: PathBuf,
    connection_log: PathBuf,
    /// Goes after the process whose files are in it.
    _dir: TempDir,
}

impl Envoy {
    /// Starts an Envoy with this configuration and waits until it is ready. Panics if it will not start.
    pub async fn start(bootstrap: Bootstrap) -> Self {
        Self::try_start(bootstrap).await.unwrap_or_else(|log| panic!("Envoy does not start:\n{log}"))
    }

    /// Starts an Envoy with this configuration; if it ends instead of getting ready, the end of its log.
    pub async fn try_start(bootstrap: Bootstrap) -> Result<Self, String> {
        let (access_log, connection_log) = (bootstrap.access_log_path(), bootstrap.connection_log_path());
        let watched_path = bootstrap.ecds_path();
        let Bootstrap { dir, document, resource, at_start, envoy, concurrency, mut arguments } = bootstrap;
        let in_dir = |name: &str| dir.path().join(name);
        let watched_text = match (&resource, at_start) {
            (None, _) | (_, AtStart::Absent) => None,
            (Some(resource), AtStart::Registry) => Some(resource.document.to_string()),
            (Some(_), AtStart::Text(text)) => Some(text),
        };
        if let Some(text) = watched_text {
            fs::write(&watched_path, text).expect("a registry file");
        }
        fs::write(in_dir("envoy.json"), document.to_string()).expect("a configuration file");
        let admin_path = in_dir("admin");
        arguments.extend(["--admin-address-path".to_owned(), admin_path.display().to_string()]);
        let mut process = Process::start(&Launch {
            envoy: &envoy,
            config: &in_dir("envoy.json"),
            concurrency,
            arguments,
            log: &in_dir("envoy.log"),
        });
        let admin = until("Envoy to be ready", async || {
            if let Some(status) = process.ended() {
                return Some(Err(format!("{status}\n{}", process.log_tail())));
            }
            let address = fs::read_to_string(&admin_path).ok()?;
            let admin = Admin { port: address.rsplit_once(':')?.1.trim().parse().ok()? };
            admin.is_ready().await.then_some(Ok(admin))
        })
        .await?;
        let listeners = admin.listeners().await;
        let watched = resource.map(|resource| (Ecds::new(&watched_path), resource));
        Ok(Self { process, admin, listeners, watched, access_log, connection_log, _dir: dir })
    }

    /// The port of the shipped listener.
    pub fn port(&self) -> u16 {
        self.port_of("https")
    }

    /// The port of the listener with this name.
    pub fn port_of(&self, listener: &str) -> u16 {
        *self.listeners.get(listener).unwrap_or_else(|| panic!("no listener {listener} among {:?}", self.listeners))
    }

    /// Its process.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Replaces the registry in the watched file.
    pub async fn push(&mut self, registry: &Value) -> Outcome {
        let (_, resource) = self.watched.as_ref().expect("an Envoy with a watched file");
        let text = resource.text(registry);
        self.push_text(&text).await
    }

    /// Replaces the watched file by this text.
    pub async fn push_text(&mut self, text: &str) -> Outcome {
        let (ecds, _) = self.watched.as_mut().expect("an Envoy with a watched file");
        ecds.replace(self.admin, text).await
    }

    /// Replaces the registry in the watched file, where Envoy ends of it; says how Envoy ended.
    pub async fn push_and_end(&mut self, registry: &Value) -> ExitStatus {
        let (ecds, resource) = self.watched.as_ref().expect("an Envoy with a watched file");
        ecds.rename_over(&resource.text(registry));
        until("Envoy to end", async || self.process.ended()).await
    }

    /// Removes the watched file.
    pub fn remove_watched_file(&self) {
        let (ecds, _) = self.watched.as_ref().expect("an Envoy with a watched file");
        fs::remove_file(ecds.path()).expect("the watched file");
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The lines of its access log, once there are so many.
    pub async fn access_log(&self, lines: usize) -> Vec<Value> {
        lines_of(&self.access_log, lines).await
    }

    /// The lines of the shipped listener's own access log, once there are so many.
    pub async fn connection_log(&self, lines: usize) -> Vec<Value> {
        lines_of(&self.connection_log, lines).await
    }
}

async fn lines_of(log: &Path, lines: usize) -> Vec<Value> {
    until(&format!("{lines} lines in {}", log.display()), async || {
        let text = fs::read_to_string(log).unwrap_or_default();
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let parsed: Vec<Value> = whole.map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
        (parsed.len() >= lines).then_some(parsed)
    })
    .await
}
