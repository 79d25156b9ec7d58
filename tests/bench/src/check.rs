//! That each subject does its job, seen before it is measured: nothing is quick here because it does less than it should.
//! Each runs once in an Envoy that shows in its answers what an upstream would see, and whose buckets hold little.

use crate::bootstrap::{ENDLESS, connection_manager, listener, load, save, without};
use crate::child::Child;
use crate::people::People;
use crate::places::made;
use crate::stage::service;
use crate::subjects::{Duty, EXT_AUTHZ, SERVICE_PORT, Subject};
use crate::support::client::{Caller, Failure};
use crate::support::owned::{ALWAYS_OWNED, DEFAULT_ALIAS, DEFAULT_FINGERPRINT, DEFAULT_TIER};
use crate::support::request::{Request, Response};
use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};

/// From a subject's port to the one where it is checked.
const ASIDE: u16 = 100;
/// What a bucket holds.
const TOKENS: &str = "3";
/// What a caller says about itself.
const FORGED: &str = "forged";

/// Checks all of them.
pub(crate) async fn all(subjects: &[Subject], people: &People) -> Result<()> {
    let mut frames = Vec::new();
    for subject in subjects {
        frames.push((subject, frame(load(&subject.config())?)));
        one(subject, people).await.with_context(|| format!("{} does not do its job", subject.name))?;
    }
    let (_, first) = &frames[0];
    for (subject, other) in &frames {
        ensure!(other == first, "{}: not the same listener as the others: {other} and {first}", subject.name);
    }
    Ok(())
}

/// What all subjects have in common: the TLS settings and the connection manager's.
fn frame(mut document: Value) -> Value {
    let transport = listener(&mut document)["filter_chains"][0]["transport_socket"].clone();
    let manager = connection_manager(&mut document);
    for own in ["http_filters", "access_log", "early_header_mutation_extensions"] {
        without(manager, own);
    }
    json!([transport, manager])
}

async fn one(subject: &Subject, people: &People) -> Result<()> {
    let has = |duty| subject.duties.contains(&duty);
    let port = subject.port + ASIDE;
    let path = made(&format!("check-{}.yaml", subject.name));
    save(&path, &showing(subject)?)?;
    let _service = match subject.name {
        EXT_AUTHZ => Some(service("check-service", SERVICE_PORT + ASIDE, TOKENS)?),
        _ => None,
    };
    let _envoy = Child::envoy(&format!("check-{}", subject.name), &path, port, 1)?;
    let call = async |identity| {
        let claims = if has(Duty::Strip) { names() } else { Vec::new() };
        let request = claims.iter().fold(Request::get("/"), |request, name| request.header(name, FORGED));
        let caller = Caller::new(&people.authority).identity(identity);
        caller.try_send(port, &request).await.map_err(|Failure(causes)| anyhow!(causes))
    };
    if subject.status != 200 {
        return Ok(());
    }
    let response = call(&people.partner).await?;
    ensure!(response.status == 200, "{response:?}");
    if has(Duty::Annotate) {
        let digest = people.partner.fingerprint();
        for (name, value) in [(DEFAULT_ALIAS, "partner-a"), (DEFAULT_TIER, "gold"), (DEFAULT_FINGERPRINT, &*digest)] {
            ensure!(seen(&response, name) == Some(value), "{name}: expected {value}: {response:?}");
        }
    }
    if has(Duty::Strip) {
        let forged = names().into_iter().find(|name| seen(&response, name) == Some(FORGED));
        ensure!(forged.is_none(), "{forged:?} came through: {response:?}");
    }
    let informs = response.headers.get("ratelimit").is_some();
    ensure!(informs == has(Duty::Inform), "a RateLimit field: {response:?}");
    if has(Duty::Identify) {
        let response = call(&people.stranger).await?;
        ensure!(response.status == 403, "to a stranger: {response:?}");
    }
    if has(Duty::Throttle) {
        let statuses = [(); 3].map(|()| call(&people.partner));
        let mut answers = Vec::new();
        for status in statuses {
            answers.push(status.await?.status);
        }
        ensure!(answers == [200, 200, 429], "after one request, with {TOKENS} tokens: {answers:?}");
    }
    Ok(())
}

/// The owned names, each in two spellings. (With `_` no request gets past the connection manager.)
fn names() -> Vec<String> {
    ALWAYS_OWNED.iter().flat_map(|name| [(*name).to_owned(), name.replace('-', ".")]).collect()
}

/// The subject's configuration with few tokens, answering what an upstream would have seen.
fn showing(subject: &Subject) -> Result<Value> {
    let mut document = load(&subject.config())?;
    let shown = |name: &String| json!({"header": {"key": shown_as(name), "value": format!("%REQ({name})%")}});
    connection_manager(&mut document)["route_config"]["response_headers_to_add"] = names().iter().map(shown).collect();
    let aside = |text: String, port: u16| text.replace(&port.to_string(), &(port + ASIDE).to_string());
    let text = document.to_string().replace(ENDLESS, TOKENS);
    Ok(serde_json::from_str(&aside(aside(text, subject.port), SERVICE_PORT))?)
}

fn shown_as(name: &str) -> String {
    format!("seen-{name}")
}

fn seen<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    response.header(&shown_as(name))
}
