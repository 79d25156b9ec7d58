//! Calls from this machine, with curl, as docs/deploy/compose.md has them.

use super::command::bounded;
use super::project::Project;
use serde_json::Value;

/// An answer.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    /// The status; 0 if there was no answer at all.
    pub(super) status: u16,
    /// The `Retry-After` field.
    pub(super) retry_after: Option<u32>,
    /// The body; why there was no answer, if there was none.
    pub(super) body: String,
}

impl Answer {
    /// What the upstream received. Panics if it did not answer.
    pub(super) fn echo(&self) -> Value {
        assert_eq!(self.status, 200, "no upstream answered: {self:?}");
        self.json()
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }
}

/// Somebody's request: with the certificate of this name in the project's `clients`, and more arguments of curl's.
pub(super) fn call(project: &Project, who: Option<&str>, path: &str, arguments: &[&str]) -> Answer {
    let url = format!("https://localhost:{}{path}", project.port("CERTGATE_PORT"));
    let [certificate, key] = ["pem", "key"].map(|kind| format!("{}.{kind}", who.unwrap_or_default()));
    let mut all = vec!["--cacert", "ca.pem"];
    if who.is_some() {
        all.extend(["--cert", &certificate, "--key", &key]);
    }
    all.extend(arguments);
    get(project, &url, &all)
}

/// What Prometheus answers to a query.
pub(super) fn query(project: &Project, query: &str) -> Option<Vec<Value>> {
    let url = format!("http://localhost:{}/api/v1/query", project.port("PROMETHEUS_PORT"));
    let answer = get(project, &url, &["--get", "--data-urlencode", &format!("query={query}")]);
    (answer.status == 200).then(|| answer.json()["data"]["result"].as_array().expect("a vector").clone())
}

/// What comes back from a URL.
pub(super) fn get(project: &Project, url: &str, arguments: &[&str]) -> Answer {
    let mut command = bounded("curl");
    command.args(["--silent", "--show-error", "--max-time", "10", "--noproxy", "*"]);
    command.args(["--write-out", "\n%{http_code} %header{retry-after}"]).args(arguments).arg(url);
    let output = command.current_dir(project.path("clients")).output().expect("curl can be started");
    let text = String::from_utf8(output.stdout).expect("text in UTF-8");
    let (body, end) = text.rsplit_once('\n').expect("what --write-out says");
    let (status, retry_after) = end.split_once(' ').expect("a status, and Retry-After");
    let problem = String::from_utf8_lossy(&output.stderr);
    Answer {
        status: status.parse().expect("a status"),
        retry_after: retry_after.parse().ok(),
        body: if output.status.success() { body } else { problem.trim() }.to_owned(),
    }
}
