//! One table of scenarios, for the engine on a fake host and for the compiled module in real Envoys: requests, and their
//! outcomes.

use crate::registry;
use serde_json::{Value, json};

/// The sender of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Registered, 100 a second and 200 at once, a million a day.
    Gold,
    /// Registered, three an hour.
    Bronze,
    /// Registered, no limits.
    Unlimited,
    /// Registered by certificate (`pem`) instead of fingerprint.
    Pem,
    /// Registered and revoked.
    Revoked,
    /// Registered, and switched off.
    Disabled,
    /// Registered, and its certificate's time is over.
    Expired,
    /// Registered, and its certificate's time is to come.
    NotYetValid,
    /// Has a certificate that nobody registered.
    Stranger,
    /// Has no certificate.
    Nobody,
}

impl Who {
    /// All senders.
    pub const ALL: [Self; 10] = [
        Self::Gold,
        Self::Bronze,
        Self::Unlimited,
        Self::Pem,
        Self::Revoked,
        Self::Disabled,
        Self::Expired,
        Self::NotYetValid,
        Self::Stranger,
        Self::Nobody,
    ];

    /// The alias that the registry gives it.
    pub fn alias(self) -> Option<&'static str> {
        Some(match self {
            Self::Gold => "gold-client",
            Self::Bronze => "bronze-client",
            Self::Unlimited => "unlimited-client",
            Self::Pem => "pem-client",
            Self::Revoked => "revoked-client",
            Self::Disabled => "disabled-client",
            Self::Expired => "expired-client",
            Self::NotYetValid => "early-client",
            Self::Stranger | Self::Nobody => return None,
        })
    }

    fn tier(self) -> &'static str {
        match self {
            Self::Bronze => "bronze",
            Self::Unlimited | Self::Pem => "unlimited",
            _ => "gold",
        }
    }
}

/// The registry that all scenarios begin with, from each one's fingerprint and certificate in PEM.
pub fn registry(certificate: impl Fn(Who) -> (String, String)) -> Value {
    let client = |who: Who| {
        let (fingerprint, pem) = certificate(who);
        let credential = if who == Who::Pem { json!({"pem": pem}) } else { json!({"sha256": fingerprint}) };
        let mut client = registry::client(who.alias()?, who.tier(), &credential);
        match who {
            Who::Revoked => client["credentials"][0]["revoked"] = json!(true),
            Who::Disabled => client["enabled"] = json!(false),
            _ => {}
        }
        Some(client)
    };
    let gold = json!([
        {"name": "burst", "requests": 100, "per": "1s", "burst": 200},
        {"name": "daily", "requests": 1_000_000, "per": "1d"},
    ]);
    let bronze = json!([{"name": "hourly", "requests": 3, "per": "1h"}]);
    let tiers = [("gold", gold), ("bronze", bronze), ("unlimited", json!([]))];
    registry::registry(&tiers, &Who::ALL.into_iter().filter_map(client).collect::<Vec<_>>())
}

/// The outcome of a request, for all who see it. Times are in minutes begun, so that a slow machine sees the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The caller: the status, or 200 where the request went on.
    pub status: u16,
    /// The upstream: the value of the alias header.
    pub alias: Option<String>,
    /// The upstream: the value of the tier header.
    pub tier: Option<String>,
    /// The upstream: whether the fingerprint header is the caller's fingerprint.
    pub fingerprint: bool,
    /// The access log: filter state `wasm.certgate.reason`.
    pub reason: Option<String>,
    /// The caller: `Retry-After`.
    pub retry_after: Option<u64>,
    /// The caller: `RateLimit-Policy`.
    pub policy: Option<String>,
    /// The caller: `RateLimit`.
    pub rate_limit: Option<String>,
    /// The caller: the body of a refusal.
    pub body: Option<String>,
}

impl Seen {
    /// The minutes begun in so many seconds, in seconds.
    pub fn minutes(seconds: u64) -> u64 {
        seconds.div_ceil(60) * 60
    }

    /// `RateLimit` with its times in minutes begun.
    pub fn in_minutes(rate_limit: &str) -> String {
        let item = |item: &str| {
            let (before, time) = item.split_once(";t=").unwrap_or_else(|| panic!("no time in {item}"));
            format!("{before};t={}", Self::minutes(time.parse().unwrap()))
        };
        rate_limit.split(", ").map(item).collect::<Vec<_>>().join(", ")
    }
}

/// Requests that follow each other under one configuration.
pub struct Scenario {
    /// The behaviour that it shows.
    pub name: &'static str,
    /// The options of the configuration beside the registry.
    pub options: Value,
    /// The requests.
    pub steps: Vec<Step>,
}

/// One request.
pub struct Step {
    /// The sender.
    pub who: Who,
    /// Header lines beside the usual ones.
    pub headers: Vec<(&'static str, &'static str)>,
    /// Its outcome.
    pub seen: Seen,
}

const FORBIDDEN: &str = r#"{"type":"about:blank","title":"Forbidden","status":403}"#;
const BRONZE_POLICY: &str = r#""hourly";q=3;w=3600"#;

fn step(who: Who, seen: Seen) -> Step {
    Step { who, headers: Vec::new(), seen }
}

impl Step {
    fn with(self, headers: &[(&'static str, &'static str)]) -> Self {
        Self { headers: headers.to_vec(), ..self }
    }
}

/// The request goes on with its identity.
fn named(who: Who) -> Seen {
    let owned = |text: &str| Some(text.to_owned());
    Seen {
        status: 200,
        alias: owned(who.alias().unwrap()),
        tier: owned(who.tier()),
        fingerprint: true,
        ..Seen::default()
    }
}

/// The request goes on without any identity, and was to be refused for this reason.
fn unnamed(reason: &str) -> Seen {
    Seen { status: 200, reason: Some(reason.to_owned()), ..Seen::default() }
}

fn refused(reason: &str) -> Seen {
    Seen { status: 403, reason: Some(reason.to_owned()), body: Some(FORBIDDEN.to_owned()), ..Seen::default() }
}

fn throttled(limit: &str, retry_after: u64) -> Seen {
    let problem = "https://iana.org/assignments/http-problem-types#quota-exceeded";
    let body =
        format!(r#"{{"type":"{problem}","title":"Too Many Requests","status":429,"violated-policies":["{limit}"]}}"#);
    let reason = Some("limit_exceeded".to_owned());
    Seen { status: 429, reason, retry_after: Some(retry_after), body: Some(body), ..Seen::default() }
}

fn limits(policy: &str, rate_limit: &str, seen: Seen) -> Seen {
    Seen { policy: Some(policy.to_owned()), rate_limit: Some(rate_limit.to_owned()), ..seen }
}

fn bronze(rate_limit: &str, seen: Seen) -> Seen {
    limits(BRONZE_POLICY, rate_limit, seen)
}

/// The forged headers of a caller who would like to be gold.
const FORGED: [(&str, &str); 5] = [
    ("x-client-alias", "gold-client"),
    ("x-client-tier", "gold"),
    ("x-client-fingerprint", "0000000000000000000000000000000000000000000000000000000000000000"),
    ("client-cert", ":AAAA:"),
    ("x-client-groups", "admin"),
];

/// The refusals for identity, each with who gets it.
const REFUSALS: [(Who, &str); 6] = [
    (Who::Revoked, "certificate_revoked"),
    (Who::Disabled, "client_disabled"),
    (Who::Expired, "certificate_expired"),
    (Who::NotYetValid, "certificate_not_yet_valid"),
    (Who::Stranger, "unknown_certificate"),
    (Who::Nobody, "no_certificate"),
];

/// All scenarios.
pub fn all() -> Vec<Scenario> {
    let off = json!({"rate_limit_headers": "off"});
    let shadow = json!({"mode": "shadow"});
    let scenario = |name, options: &Value, steps| Scenario { name, options: options.clone(), steps };
    vec![
        scenario(
            "clients pass under their names",
            &off,
            vec![
                step(Who::Gold, named(Who::Gold)),
                step(Who::Bronze, named(Who::Bronze)),
                step(Who::Unlimited, named(Who::Unlimited)),
                step(Who::Pem, named(Who::Pem)),
            ],
        ),
        scenario(
            "everybody else is refused, and nobody learns why",
            &off,
            REFUSALS.map(|(who, reason)| step(who, refused(reason)).with(&FORGED)).into(),
        ),
        scenario(
            "a limit is used up, for its own client only",
            &json!({}),
            vec![
                step(Who::Bronze, bronze(r#""hourly";r=2;t=1200"#, named(Who::Bronze))),
                step(Who::Bronze, bronze(r#""hourly";r=1;t=2400"#, named(Who::Bronze))),
                step(Who::Bronze, bronze(r#""hourly";r=0;t=3600"#, named(Who::Bronze))),
                step(Who::Bronze, bronze(r#""hourly";r=0;t=3600"#, throttled("hourly", 1200))),
                step(Who::Bronze, bronze(r#""hourly";r=0;t=3600"#, throttled("hourly", 1200))).with(&FORGED),
                step(Who::Stranger, refused("unknown_certificate")),
                step(
                    Who::Gold,
                    limits(
                        r#""burst";q=200;w=2, "daily";q=1000000;w=86400"#,
                        r#""burst";r=199;t=60, "daily";r=999999;t=60"#,
                        named(Who::Gold),
                    ),
                ),
                step(Who::Unlimited, named(Who::Unlimited)),
            ],
        ),
        scenario(
            "forged identity is replaced",
            &off,
            vec![
                step(Who::Bronze, named(Who::Bronze)).with(&FORGED),
                step(Who::Unlimited, named(Who::Unlimited)).with(&FORGED),
            ],
        ),
        scenario(
            "shadow mode forwards everything, and takes nothing from who is over a limit",
            &shadow,
            vec![
                step(Who::Nobody, unnamed("no_certificate")).with(&FORGED),
                step(Who::Stranger, unnamed("unknown_certificate")).with(&FORGED),
                step(Who::Revoked, unnamed("certificate_revoked")).with(&FORGED),
                step(Who::Bronze, bronze(r#""hourly";r=2;t=1200"#, named(Who::Bronze))),
                step(Who::Bronze, bronze(r#""hourly";r=1;t=2400"#, named(Who::Bronze))),
                step(Who::Bronze, bronze(r#""hourly";r=0;t=3600"#, named(Who::Bronze))),
                step(
                    Who::Bronze,
                    bronze(
                        r#""hourly";r=0;t=3600"#,
                        Seen { reason: Some("limit_exceeded".to_owned()), ..named(Who::Bronze) },
                    ),
                ),
            ],
        ),
        scenario(
            "a header that is switched off is still nobody else's",
            &json!({"rate_limit_headers": "off", "headers": {"tier": null, "fingerprint": null}}),
            vec![step(Who::Bronze, Seen { tier: None, fingerprint: false, ..named(Who::Bronze) }).with(&FORGED)],
        ),
        scenario(
            "a header that is renamed leaves nothing under its old name",
            &json!({"rate_limit_headers": "off", "headers": {"tier": "x-plan"}}),
            vec![step(Who::Bronze, Seen { tier: None, ..named(Who::Bronze) }).with(&FORGED)],
        ),
    ]
}
