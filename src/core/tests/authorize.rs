//! Every access with every caller, condition and mode: what the engine decides, against a few lines that say the same as
//! docs/configuration/rules.md.

use crate::fixtures::{Sent, authority_named, client, days, engine, fake, leaf, send};
use certgate_core::domain::decision::Reason;
use certgate_test_support::certificates::IssuedCertificate;
use certgate_test_support::fakes::{Fake, FakeLedger};
use certgate_test_support::registry::{self, merge};
use data_encoding::BASE64URL_NOPAD;
use rcgen::DnType;
use serde_json::{Value, json};

/// A caller.
struct Caller {
    alias: &'static str,
    /// The field of its credential.
    by: &'static str,
    /// When its certificate is valid.
    days: (i64, i64),
    /// The other fields of its credential.
    credential: Value,
    /// The other fields of its client.
    client: Value,
    /// Whether Envoy says that it has verified the chain.
    verified: bool,
    /// The reason of its refusal where a client is required.
    refused: Option<Reason>,
    /// The reason of its refusal where there are CRLs as well.
    refused_by_lists: Option<Reason>,
}

const KNOWN: Caller = Caller {
    alias: "known",
    by: "sha256",
    days: (-1, 1),
    credential: Value::Null,
    client: Value::Null,
    verified: false,
    refused: None,
    refused_by_lists: None,
};

fn callers() -> Vec<Caller> {
    let passed = json!({"not_after": "2033-05-17T00:00:00Z"});
    let to_come = json!({"not_before": "2033-05-19T00:00:00Z"});
    let refused = |alias, reason| Caller { alias, refused: Some(reason), ..KNOWN };
    let unlisted = |alias, reason| Caller { alias, refused_by_lists: Some(reason), ..KNOWN };
    vec![
        Caller { by: "", ..refused("no-certificate", Reason::NoCertificate) },
        Caller { by: "", verified: true, ..refused("unknown", Reason::UnknownCertificate) },
        // Its certificate has names, and some clients are known by names.
        Caller { by: "", ..refused("unknown-unverified", Reason::CertificateUnverified) },
        KNOWN,
        Caller { credential: json!({"revoked": true}), ..refused("revoked", Reason::CertificateRevoked) },
        Caller { client: json!({"enabled": false}), ..refused("disabled", Reason::ClientDisabled) },
        Caller { days: (-2, -1), ..refused("expired", Reason::CertificateExpired) },
        Caller { days: (1, 2), ..refused("not-yet-valid", Reason::CertificateNotYetValid) },
        Caller { credential: passed, ..refused("window-passed", Reason::CertificateExpired) },
        Caller { credential: to_come, ..refused("window-to-come", Reason::CertificateNotYetValid) },
        Caller { alias: "key", by: "spki_sha256", ..KNOWN },
        Caller { alias: "key-verified", by: "spki_sha256", verified: true, ..KNOWN },
        Caller { alias: "name-verified", by: "uri_san", verified: true, ..KNOWN },
        Caller { by: "uri_san", ..refused("name-unverified", Reason::CertificateUnverified) },
        unlisted("listed", Reason::CertificateRevoked),
        unlisted("overdue", Reason::CertificateUnverified),
        Caller { alias: "overdue-lenient", ..KNOWN },
    ]
}

/// The callers that a condition admits.
#[derive(Clone, Copy)]
enum Admits {
    All,
    Nobody,
    /// Callers whose certificate's names are trusted.
    Believed,
    /// Callers with a token that is bound to their certificate.
    Bound,
}

/// The conditions that a rule can have, with the callers that each admits.
fn conditions(everybody: &[&str]) -> Vec<(Value, Admits)> {
    use Admits::*;
    vec![
        (json!({}), All),
        (json!({"groups": ["red", "green"]}), All),
        (json!({"groups": ["green"]}), Nobody),
        (json!({"aliases": everybody}), All),
        (json!({"aliases": ["bystander"]}), Nobody),
        (json!({"tiers": ["bronze", "gold"]}), All),
        (json!({"tiers": ["gold"]}), Nobody),
        (json!({"scopes": ["read", "write"]}), All),
        (json!({"scopes": ["read", "delete"]}), Nobody),
        (json!({"uri_san": ["https://shop.example", "spiffe://example.org/ns/*/sa/*"]}), Believed),
        (json!({"uri_san": ["spiffe://example.org/ns/*"]}), Nobody),
        (json!({"dns_san": ["*.shop.example"], "subject": {"organization": "Shop"}}), Believed),
        (json!({"dns_san": ["*.example"], "subject": {"organization": "Shop"}}), Nobody),
        (json!({"subject": {"organization": "shop"}}), Nobody),
        (json!({"issuer": {"organization": "Authorities"}}), Believed),
        (json!({"issuer": {"organization": "Shop"}}), Nobody),
        (json!({"groups": ["red"], "scopes": ["write"], "issuer": {"organization": "Authorities"}}), Believed),
        (json!({"groups": ["green"], "scopes": ["write"], "issuer": {"organization": "Authorities"}}), Nobody),
        (json!({"bound_token": true}), Bound),
        (json!({"bound_token": true, "groups": ["green"]}), Nobody),
    ]
}

/// The certificate that a verified token is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Missing,
    /// The connection's certificate.
    Right,
    /// Another.
    Wrong,
}

/// One cell of the table.
struct Case<'c> {
    access: &'c str,
    admits: Admits,
    caller: &'c Caller,
    token: Token,
    shadow: bool,
    lists: bool,
}

impl Case<'_> {
    /// The alias under which the request goes on, or the reason of its refusal.
    fn decision(&self) -> Result<Option<&'static str>, Reason> {
        let Caller { refused, refused_by_lists, alias, by, verified, .. } = *self.caller;
        match (self.access, refused) {
            ("deny", _) => return Err(Reason::RuleDenied),
            ("public", _) | ("optional", Some(Reason::NoCertificate)) => return Ok(None),
            _ => {}
        }
        if let Some(reason) = refused.or(refused_by_lists.filter(|_| self.lists)) {
            return Err(reason);
        }
        let admitted = match self.admits {
            Admits::All => true,
            Admits::Nobody => false,
            Admits::Believed => by != "spki_sha256" || verified,
            Admits::Bound => self.token == Token::Right,
        };
        if admitted { Ok(Some(alias)) } else { Err(Reason::RuleDenied) }
    }

    /// The outcome of the request, and whether it is charged: all but public requests are.
    fn expected(&self) -> (Sent, bool) {
        match self.decision() {
            Ok(alias) => {
                (Sent { status: None, reason: None, alias: alias.map(str::to_owned) }, self.access != "public")
            }
            Err(reason) => (Sent { status: (!self.shadow).then_some(403), reason: Some(reason), alias: None }, false),
        }
    }
}

/// The certificates of the callers that have one, and the CRLs of their issuers.
fn certificates(callers: &[Caller]) -> (Vec<Option<IssuedCertificate>>, Value) {
    let [in_time, late, lenient] = ["in time", "late", "lenient"]
        .map(|name| authority_named(&[(DnType::OrganizationName, "Authorities"), (DnType::CommonName, name)]));
    let issued = |(serial, caller): (u64, &Caller)| {
        let authority = match caller.alias {
            "overdue" => &late,
            "overdue-lenient" => &lenient,
            _ => &in_time,
        };
        let host = format!("{}.shop.example", caller.alias);
        let subject = [(DnType::OrganizationName, "Shop"), (DnType::CommonName, caller.alias)];
        let (from, to) = caller.days;
        let template = leaf().subject(&subject).uris([&*uri(caller)]).hosts([&*host]).valid(days(from, to));
        (caller.alias != "no-certificate").then(|| authority.issue(&template.serial(serial)))
    };
    let leaves = (1..).zip(callers).map(issued).collect();
    let listed = (1..).zip(callers).find(|(_, caller)| caller.alias == "listed").unwrap().0;
    const NONE: [u64; 0] = [];
    let lists = json!([
        {"pem": in_time.crl(&[1000, listed], days(-2, 1)), "strict": true},
        {"pem": late.crl(&NONE, days(-2, -1)), "strict": true},
        {"pem": lenient.crl(&[1000_u64], days(-2, -1))},
    ]);
    (leaves, lists)
}

fn uri(caller: &Caller) -> String {
    format!("spiffe://example.org/ns/shop/sa/{}", caller.alias)
}

/// The registry of those callers that are known, without rules.
fn registry(callers: &[Caller], leaves: &[Option<IssuedCertificate>]) -> Value {
    let profile = json!({"tier": "bronze", "groups": ["blue", "red"], "scopes": ["read", "write"]});
    let known = callers.iter().zip(leaves).filter_map(|(caller, leaf)| {
        let leaf = leaf.as_ref().filter(|_| !caller.by.is_empty())?;
        let asked = match caller.by {
            "spki_sha256" => leaf.spki_sha256.clone(),
            "uri_san" => uri(caller),
            _ => leaf.fingerprint.clone(),
        };
        let credential = merge(json!({caller.by: asked}), &caller.credential);
        Some(merge(merge(client(caller.alias, &credential), &profile), &caller.client))
    });
    let bystander = client("bystander", &json!({"sha256": "0".repeat(64)}));
    let limits = json!([{"name": "hourly", "requests": 1000, "per": "1h"}]);
    let clients: Vec<_> = known.chain([bystander]).collect();
    let tiers = [("bronze", limits), ("gold", json!([])), ("unlimited", json!([]))];
    merge(registry::registry(&tiers, &clients), &json!({"anonymous_tier": "bronze"}))
}

/// The rules under which a request has this access, on these conditions.
fn rules(access: &str, condition: &Value) -> Value {
    let elsewhere = json!({"match": {"path": "/elsewhere"}, "access": "deny"});
    match access {
        "no rule" => json!([elsewhere]),
        access => json!([elsewhere, merge(json!({"access": access}), condition), {"access": "deny"}]),
    }
}

#[test]
fn every_decision() {
    let callers = callers();
    let (leaves, lists) = certificates(&callers);
    let registry = registry(&callers, &leaves);
    let known: Vec<_> = callers.iter().filter(|caller| !caller.by.is_empty()).map(|caller| caller.alias).collect();
    let unconditional = ["no rule", "optional", "public", "deny"].map(|access| (access, json!({}), Admits::All));
    let required = conditions(&known).into_iter().map(|(condition, admits)| ("require", condition, admits));
    let mut cases = 0;
    for (access, condition, admits) in unconditional.into_iter().chain(required) {
        for (shadow, with_lists) in [(false, false), (false, true), (true, false), (true, true)] {
            let rules = rules(access, &condition);
            let mode = if shadow { "shadow" } else { "enforce" };
            let crls = if with_lists { lists.clone() } else { json!([]) };
            let configuration = merge(registry.clone(), &json!({"rules": rules, "mode": mode, "crls": crls}));
            let engine = engine(&configuration, &FakeLedger::default());
            for (caller, leaf) in callers.iter().zip(&leaves) {
                for token in [Token::Missing, Token::Right, Token::Wrong] {
                    let case = Case { access, admits, caller, token, shadow, lists: with_lists };
                    let store = FakeLedger::default();
                    let bound_to = leaf.as_ref().map_or([0; 32], IssuedCertificate::sha256);
                    let fake = Fake {
                        store: Some(&store),
                        verified: caller.verified,
                        token_thumbprint: match token {
                            Token::Missing => None,
                            Token::Right => Some(BASE64URL_NOPAD.encode(&bound_to).into()),
                            Token::Wrong => Some(BASE64URL_NOPAD.encode(&bound_to.map(|byte| !byte)).into()),
                        },
                        ..leaf.as_ref().map_or_else(Fake::default, fake)
                    };
                    let seen = (send(&engine, &fake, &[]), !store.values().is_empty());
                    let alias = caller.alias;
                    assert_eq!(
                        seen,
                        case.expected(),
                        "{alias}, {access} {condition}, {token:?} token, {mode}, lists: {with_lists}"
                    );
                    cases += 1;
                }
            }
        }
    }
    assert_eq!(cases, (4 + conditions(&known).len()) * 4 * callers.len() * 3);
}
