//! What an Envoy says of itself at its administration port.

use super::client::{Caller, Failure};
use super::request::Request;
use hyper::Method;
use serde_json::Value;
use std::collections::BTreeMap;

/// An administration port on this host.
#[derive(Clone, Copy, Debug)]
pub struct Admin {
    /// The port.
    pub port: u16,
}

/// One series of a Prometheus exposition.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The metric's name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

impl Admin {
    /// Whether everything is up and listening.
    pub async fn is_ready(self) -> bool {
        let answer = Caller::plain().try_send(self.port, &Request::get("/ready")).await;
        answer.is_ok_and(|response| response.status == 200)
    }

    /// What it answers to a `GET`.
    pub async fn get(self, path: &str) -> String {
        self.ask(Request::get(path)).await
    }

    /// What it answers to a `POST`, which is for changes.
    pub async fn post(self, path: &str) -> String {
        self.ask(Request::new(Method::POST, path)).await
    }

    async fn ask(self, request: Request) -> String {
        match Caller::plain().try_send(self.port, &request).await {
            Ok(response) if response.status == 200 => response.text().to_owned(),
            Ok(response) => panic!("Envoy answers {} to {}: {}", response.status, request.path, response.text()),
            Err(Failure(causes)) => panic!("Envoy does not answer at its administration port: {causes}"),
        }
    }

    /// The ports of its listeners, by name.
    pub async fn listeners(self) -> BTreeMap<String, u16> {
        let answer: Value = serde_json::from_str(&self.get("/listeners?format=json").await).expect("JSON");
        let statuses = answer["listener_statuses"].as_array().map(Vec::as_slice).unwrap_or_default();
        let port = |status: &Value| {
            let port = status["local_address"]["socket_address"]["port_value"].as_u64().expect("a port");
            (status["name"].as_str().expect("a name").to_owned(), port.try_into().expect("a port"))
        };
        statuses.iter().map(port).collect()
    }

    /// A counter or gauge by its full name; zero if there is none.
    pub async fn stat(self, name: &str) -> u64 {
        self.stats().await.get(name).copied().unwrap_or_default()
    }

    /// All counters and gauges by their full names.
    pub async fn stats(self) -> BTreeMap<String, u64> {
        let text = self.get("/stats?type=Counters").await + &self.get("/stats?type=Gauges").await;
        let pair = |line: &str| {
            let (name, value) = line.rsplit_once(": ")?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        text.lines().filter_map(pair).collect()
    }

    /// All counters and gauges, as Prometheus reads them.
    pub async fn prometheus(self) -> Vec<Series> {
        let text = self.get("/stats/prometheus").await;
        text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(series).collect()
    }

    /// The sum of the series with this name and, among others, these labels.
    pub async fn metric(self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |series: &Series| {
            series.name == name && labels.iter().all(|(key, value)| series.labels.get(*key).is_some_and(|v| v == value))
        };
        // Not `sum`, which is -0 where there are none.
        self.prometheus().await.iter().filter(|series| fits(series)).fold(0.0, |sum, series| sum + series.value)
    }

    /// The configuration in force.
    pub async fn config_dump(self) -> Value {
        serde_json::from_str(&self.get("/config_dump").await).expect("JSON")
    }
}

/// A line of the exposition format, without escapes in label values: Envoy's names have nothing to escape.
fn series(line: &str) -> Series {
    let (head, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("not a series: {line}"));
    let (name, labels) = head.split_once('{').unwrap_or((head, ""));
    let label = |pair: &str| {
        let (key, value) = pair.split_once("=\"")?;
        Some((key.to_owned(), value.to_owned()))
    };
    Series {
        name: name.to_owned(),
        labels: labels.trim_end_matches('}').trim_end_matches('"').split("\",").filter_map(label).collect(),
        value: value.parse().unwrap_or_else(|_| panic!("not a number: {line}")),
    }
}
