//! A Prometheus that reads Envoys of a test, with the shipped configuration and rules.
#![allow(clippy::print_stderr, reason = "a test that fails shows what Prometheus says")]

use crate::support::admin::Admin;
use crate::support::bootstrap::shipped;
use crate::support::client::Caller;
use crate::support::envoys::repository;
use crate::support::request::Request;
use crate::support::wait::until;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A running Prometheus. It ends when this is dropped, or when the process that started it dies.
pub(super) struct Prometheus {
    child: Child,
    port: u16,
    /// Goes after the process whose files are in it.
    dir: TempDir,
}

/// One element of an answer: its labels, and its value now.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

/// Becomes the command whose line it is given, and leaves somebody behind who kills it when standard input ends.
const KILLED_WITH_ITS_OWNER: &str = r#"exec 3<&0; (read -r _ <&3; kill -KILL $$) & exec "$@" </dev/null 3<&-"#;

impl Prometheus {
    /// Starts one that reads these Envoys five times a second.
    pub(super) async fn start(envoys: &[Admin]) -> Self {
        let dir = TempDir::with_prefix("certgate-prometheus-").expect("a temporary folder");
        let in_dir = |name: &str| dir.path().join(name);
        let config = configuration(envoys);
        fs::write(in_dir("prometheus.yaml"), config.to_string()).expect("a configuration file");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let log = File::create(in_dir("log")).expect("a log file");
        let child = Command::new("sh")
            .args(["-c", KILLED_WITH_ITS_OWNER, "prometheus", "prometheus"])
            .arg(format!("--config.file={}", in_dir("prometheus.yaml").display()))
            .arg(format!("--storage.tsdb.path={}", in_dir("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn()
            .expect("sh can be started");
        let mut prometheus = Self { child, port, dir };
        until("Prometheus to be ready", async || {
            if let Some(status) = prometheus.child.try_wait().expect("a child process") {
                panic!("Prometheus ends: {status}");
            }
            let answer = Caller::plain().try_send(port, &Request::get("/-/ready")).await;
            answer.is_ok_and(|response| response.status == 200).then_some(())
        })
        .await;
        prometheus
    }

    /// What it answers to this query now.
    pub(super) async fn query(&self, query: &str) -> Vec<Sample> {
        let encoded = utf8_percent_encode(query, NON_ALPHANUMERIC);
        let answer = self.get(&format!("/api/v1/query?query={encoded}")).await;
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        let data = &answer["data"];
        assert_eq!(data["resultType"], "vector", "{query}: {answer}");
        data["result"].as_array().expect("a vector").iter().map(Sample::of).collect()
    }

    /// What it answers at this path.
    pub(super) async fn get(&self, path: &str) -> Value {
        Caller::plain().get(self.port, path).await.json()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            eprintln!("--- the end of Prometheus's log:\n{}\n---", lines[lines.len().saturating_sub(30)..].join("\n"));
        }
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

impl Sample {
    fn of(element: &Value) -> Self {
        let labels = element["metric"].as_object().expect("labels").iter();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Self {
            labels: labels.map(|(name, value)| (name.clone(), text(value))).collect(),
            value: element["value"][1].as_str().and_then(|value| value.parse().ok()).expect("a number"),
        }
    }
}

/// The shipped configuration, made to read these.
fn configuration(envoys: &[Admin]) -> Value {
    let mut config = shipped("prometheus.yaml");
    config["global"] = json!({"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"});
    for rules in config["rule_files"].as_array_mut().expect("rule files") {
        let file = rules.as_str().expect("a path");
        *rules = json!(repository().join("envoy").join(file));
    }
    let targets: Vec<_> = envoys.iter().map(|admin| format!("127.0.0.1:{}", admin.port)).collect();
    config["scrape_configs"][0]["static_configs"] = json!([{"targets": targets}]);
    config
}
