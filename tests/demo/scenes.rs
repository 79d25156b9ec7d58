//! The scenes of the demo: real requests, each with the outcome that is expected.

use crate::certificates::Identity;
use crate::http::Answer;
use crate::places::{REGISTRY, read, write};
use crate::registry::Outcome;
use crate::stage::{Stage, fingerprint};
use serde_json::Value;
use std::error::Error;
use std::iter;

/// A scene that was played.
pub(crate) struct Scene {
    /// The subject.
    pub(crate) title: &'static str,
    /// The requests and their answers, line by line.
    pub(crate) lines: Vec<String>,
    /// The reason of the outcome.
    pub(crate) why: &'static str,
    /// The expected outcome.
    pub(crate) expected: &'static str,
    /// The outcome.
    pub(crate) found: String,
}

impl Scene {
    /// Whether the outcome is the expected one.
    pub(crate) fn is_as_expected(&self) -> bool {
        self.expected == self.found
    }
}

/// Plays a scene.
type Play = fn(&mut Stage) -> Result<Scene, Box<dyn Error>>;

/// The scenes in their order.
pub(crate) const SCENES: [Play; 6] = [partner, forged, stranger, nobody, throttled, revoked];

/// The headers of an answer that say something about a decision of certgate.
const TELLING: [&str; 3] = ["ratelimit-policy", "ratelimit", "retry-after"];

fn partner(stage: &mut Stage) -> Result<Scene, Box<dyn Error>> {
    let answer = stage.connect(Some(&stage.partner_a))?.get("/hello", &[])?;
    Ok(Scene {
        title: "partner-a calls with its certificate",
        lines: typed(stage, Some(&stage.partner_a), "", &answer),
        why: "The registry has this certificate under partner-a, in the tier gold, which has an upstream of its own.",
        expected: "200: partner-a, gold, upstream gold",
        found: outcome(&answer),
    })
}

fn forged(stage: &mut Stage) -> Result<Scene, Box<dyn Error>> {
    let answer = stage.connect(Some(&stage.partner_a))?.get("/hello", &[("x-client-alias", "admin")])?;
    Ok(Scene {
        title: "partner-a claims to be admin",
        lines: typed(stage, Some(&stage.partner_a), "-H 'x-client-alias: admin' ", &answer),
        why: "Identity headers come from certgate alone. It removes a header of such a name that a client sends.",
        expected: "200: partner-a, gold, upstream gold",
        found: outcome(&answer),
    })
}

fn stranger(stage: &mut Stage) -> Result<Scene, Box<dyn Error>> {
    let answer = stage.connect(Some(&stage.stranger))?.get("/hello", &[])?;
    Ok(Scene {
        title: "a stranger, with a certificate of the same authority",
        lines: typed(stage, Some(&stage.stranger), "", &answer),
        why: "Envoy trusts the authority, so the handshake succeeds. No client of the registry has this certificate.",
        expected: "403",
        found: outcome(&answer),
    })
}

fn nobody(stage: &mut Stage) -> Result<Scene, Box<dyn Error>> {
    let answer = stage.connect(None)?.get("/hello", &[])?;
    Ok(Scene {
        title: "a caller without a certificate",
        lines: typed(stage, None, "", &answer),
        why: "No rule makes /hello public. The registry's rule `health` lets everyone ask for /healthz.",
        expected: "403",
        found: outcome(&answer),
    })
}

fn throttled(stage: &mut Stage) -> Result<Scene, Box<dyn Error>> {
    let mut connection = stage.connect(Some(&stage.partner_b))?;
    let mut lines = vec![format!("$ for n in 1 2 3 4 5 6; do {}; done", curl(stage, Some(&stage.partner_b), ""))];
    let mut statuses = Vec::new();
    for number in 1..=6 {
        let answer = connection.get("/hello", &[])?;
        statuses.push(answer.status.to_string());
        match number {
            6 => lines.extend(answered(&answer)),
            _ => lines.push(format!("< {}, ratelimit: {}", answer.status, answer.header("ratelimit").unwrap_or("-"))),
        }
    }
    Ok(Scene {
        title: "partner-b calls six times in a row",
        lines,
        why: "The tier bronze is five requests in ten seconds. Its bucket gets one request back every two seconds.",
        expected: "200, 200, 200, 200, 200, 429",
        found: statuses.join(", "),
    })
}

fn revoked(stage: &mut Stage) -> Result<Scene, Box<dyn Error>> {
    let registry = read(REGISTRY)?;
    let credential = format!("{{sha256: \"{}\"}}", fingerprint(&stage.partner_a)?);
    let revoked = credential.replace('}', ", revoked: true}");
    let mut connection = stage.connect(Some(&stage.partner_a))?;
    let mut lines = vec![format!("$ {}", curl(stage, Some(&stage.partner_a), ""))];
    let mut statuses = Vec::new();
    for change in [None, Some(("revoked", &revoked)), Some(("restored", &credential))] {
        if let Some((what, changed)) = change {
            lines.push(format!("  registry.yaml is saved with the certificate {what}:"));
            lines.push(format!("      - {}", shortened(changed)));
            save(stage, &registry.replace(&credential, changed))?;
        }
        let answer = connection.get("/hello", &[])?;
        statuses.push(answer.status.to_string());
        lines.push(format!("< {}", answer.status));
    }
    Ok(Scene {
        title: "partner-a is revoked and restored while connected",
        lines,
        why: "The active registry decides each request, also on a connection that is open. Envoy keeps running.",
        expected: "200, 403, 200",
        found: statuses.join(", "),
    })
}

/// Saves the registry as the reader does, and waits until it is active.
fn save(stage: &mut Stage, text: &str) -> Result<(), Box<dyn Error>> {
    if read(REGISTRY)? == text {
        return Err(format!("{REGISTRY}: the credential of partner-a is not as the demo wrote it").into());
    }
    write(REGISTRY, text)?;
    match stage.registry_saved()? {
        Outcome::Active(_) => Ok(()),
        Outcome::Refused(reasons) => Err(reasons.join("\n").into()),
    }
}

/// The command that makes the request, as it is typed in the demo's folder.
fn curl(stage: &Stage, identity: Option<&Identity>, options: &str) -> String {
    let certificate = identity.map(|Identity { name, .. }| format!("--cert {name}.pem --key {name}.key "));
    let certificate = certificate.unwrap_or_default();
    format!("curl -i --cacert ca.pem {certificate}{options}https://localhost:{}/hello", stage.port)
}

/// The lines of a request and its answer.
fn typed(stage: &Stage, identity: Option<&Identity>, options: &str, answer: &Answer) -> Vec<String> {
    let command = format!("$ {}", curl(stage, identity, options));
    iter::once(command).chain(answered(answer)).collect()
}

/// The lines of an answer.
fn answered(answer: &Answer) -> Vec<String> {
    let mut lines = vec![format!("< {}", answer.status)];
    let telling = answer.headers.iter().filter(|(name, _)| TELLING.contains(&name.as_str()));
    lines.extend(telling.map(|(name, value)| format!("< {name}: {value}")));
    match echo(answer) {
        Some(echo) => {
            lines.push(format!("  the upstream {} received:", text(&echo, "upstream")));
            lines.push(format!("      {} {}", text(&echo, "method"), text(&echo, "path")));
            let headers = echo.get("headers").and_then(Value::as_object).into_iter().flatten();
            let sent = headers.filter_map(|(name, value)| Some(format!("      {name}: {}", value.as_str()?)));
            lines.extend(sent);
        }
        None => lines.push(format!("  {}", answer.body.trim())),
    }
    lines
}

/// An answer in a few words.
fn outcome(answer: &Answer) -> String {
    match echo(answer) {
        Some(echo) => {
            let sent = |name| echo.get("headers").and_then(|headers| headers.get(name)).and_then(Value::as_str);
            let (alias, tier) = (sent("x-client-alias"), sent("x-client-tier"));
            let (alias, tier) = (alias.unwrap_or("no alias"), tier.unwrap_or("no tier"));
            format!("{}: {alias}, {tier}, upstream {}", answer.status, text(&echo, "upstream"))
        }
        None => answer.status.to_string(),
    }
}

/// The request as the upstream received it; `None` if certgate answered itself.
fn echo(answer: &Answer) -> Option<Value> {
    serde_json::from_str::<Value>(&answer.body).ok().filter(|body| body.get("upstream").is_some())
}

fn text<'a>(echo: &'a Value, key: &str) -> &'a str {
    echo.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A credential with the first digits of its fingerprint.
fn shortened(credential: &str) -> String {
    let fingerprint = credential.split('"').nth(1).unwrap_or_default();
    let first = fingerprint.get(..12).unwrap_or(fingerprint);
    credential.replace(fingerprint, &format!("{first}..."))
}
