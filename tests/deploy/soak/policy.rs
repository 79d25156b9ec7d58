//! Two registries that take turns, and what each of them says of every caller: written down here by hand, not computed
//! by the code that is tested.

use crate::support::pki::{Authority, Identity};
use crate::support::registry::by_fingerprint;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// `greedy`'s limit, in both registries: so many a second, and at once.
pub(super) const NARROW: u32 = 5;

/// Clients that nobody calls as, so that a registry has some weight.
const FILLERS: usize = 2000;

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Registry {
    One,
    Two,
}

impl Registry {
    pub(super) fn other(self) -> Self {
        if self == Self::One { Self::Two } else { Self::One }
    }
}

/// The reason why a client is refused.
#[derive(Clone, Copy, Debug)]
enum Out {
    Absent,
    Revoked,
    Disabled,
}

/// A client's standing in a registry: its tier and whether it belongs to the group `ops`, or the reason why it is refused.
type Standing = Result<(&'static str, bool), Out>;

/// The clients by alias, with their standing in the two registries.
const CLIENTS: [(&str, [Standing; 2]); 7] = [
    ("steady", [Ok(("wide", true)), Ok(("wide", true))]),
    ("greedy", [Ok(("narrow", false)), Ok(("narrow", false))]),
    ("mover", [Ok(("wide", true)), Ok(("gold", true))]),
    ("guest", [Ok(("wide", false)), Err(Out::Absent)]),
    ("lost", [Ok(("gold", false)), Err(Out::Revoked)]),
    ("paused", [Err(Out::Disabled), Ok(("gold", true))]),
    ("demoted", [Ok(("wide", true)), Ok(("wide", false))]),
];

/// The expected outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The request goes upstream under its client's alias and this tier.
    Through(&'static str),
    /// The request goes upstream without a name.
    Public,
    /// The request is refused.
    Refused,
}

/// The verdict of a registry on a request for this normalised path by a client, or by a stranger.
pub(super) fn verdict(registry: Registry, alias: Option<&str>, path: &str) -> Verdict {
    if path == "/healthz" {
        return Verdict::Public;
    }
    let Some((_, standings)) = CLIENTS.iter().find(|(known, _)| alias == Some(known)) else {
        return Verdict::Refused;
    };
    match standings[registry as usize] {
        Err(_) => Verdict::Refused,
        Ok(_) if path.starts_with("/internal") => Verdict::Refused,
        Ok((_, ops)) if path.starts_with("/admin") && !ops => Verdict::Refused,
        Ok((tier, _)) => Verdict::Through(tier),
    }
}

/// Certificates for all clients.
pub(super) fn identities(authority: &Authority) -> BTreeMap<&'static str, Identity> {
    CLIENTS.iter().map(|(alias, _)| (*alias, authority.client(alias))).collect()
}

/// A registry, as certgate reads it.
pub(super) fn registry(registry: Registry, identities: &BTreeMap<&'static str, Identity>) -> Value {
    let mut clients: Vec<Value> = CLIENTS
        .iter()
        .filter_map(|(alias, standings)| client(alias, standings[registry as usize], &identities[alias].fingerprint()))
        .collect();
    for number in 0..FILLERS {
        let fingerprint = format!("{number:064x}");
        clients.push(by_fingerprint(&format!("f{number}"), "wide", &fingerprint));
    }
    json!({
        "version": 1,
        "tiers": {
            "wide": {"limits": [{"name": "wide", "requests": 100_000, "per": "1s"}]},
            "narrow": {"limits": [{"name": "narrow", "requests": NARROW, "per": "1s"}]},
            "gold": {},
        },
        "clients": clients,
        "rules": [
            {"name": "health", "match": {"path": "/healthz"}, "access": "public"},
            {"name": "internal", "match": {"path": "/internal/**"}, "access": "deny"},
            {"name": "admin", "match": {"path": "/admin/**"}, "groups": ["ops"]},
        ],
        "metrics": {"clients": 50},
    })
}

fn client(alias: &str, standing: Standing, fingerprint: &str) -> Option<Value> {
    let (tier, ops) = standing.unwrap_or(("wide", false));
    let mut credential = json!({"sha256": fingerprint});
    let mut enabled = true;
    match standing {
        Err(Out::Absent) => return None,
        Err(Out::Revoked) => credential["revoked"] = json!(true),
        Err(Out::Disabled) => enabled = false,
        Ok(_) => {}
    }
    let groups: &[&str] = if ops { &["ops"] } else { &[] };
    Some(json!({"alias": alias, "tier": tier, "enabled": enabled, "groups": groups, "credentials": [credential]}))
}

/// Registries that must be refused, made from a good one.
pub(super) fn broken(good: &Value) -> [Value; 4] {
    let mut dangling = good.clone();
    dangling["clients"][0]["tier"] = json!("platinum");
    let mut twice = good.clone();
    twice["clients"][1]["credentials"] = good["clients"][0]["credentials"].clone();
    let mut future = good.clone();
    future["version"] = json!(2);
    [dangling, twice, future, json!({})]
}
