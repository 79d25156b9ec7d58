//! Names in a registry that may not do what somebody means: in its certificates, in its lists, in what it asks for.

use certgate_core::certificate::attribute_type::AttributeType;
use certgate_core::certificate::canonical_name::folded;
use certgate_core::certificate::contents::CertificateContents;
use certgate_core::certificate::{crl, der_from_text};
use certgate_core::domain::revocation::{CanonicalName, RevocationList};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};

/// A sentence for each, of a configuration that is right and has these lists.
pub(super) fn warnings(document: &Value, lists: &[RevocationList]) -> Vec<String> {
    let credentials = credentials(document);
    let certificates: Vec<_> =
        credentials.iter().filter_map(|(path, value)| Some((path, certificate(value)?))).collect();
    let mut warnings = Vec::new();
    for (path, attributes) in &certificates {
        for part in attributes.unreadable() {
            warnings.push(format!("{path}.pem: {part} cannot be read, so nobody is known by it"));
        }
    }
    let issuers: HashSet<_> = certificates.iter().map(|(_, attributes)| attributes.issuer.canonical()).collect();
    warnings.extend(strangers(document, lists, &issuers, &credentials));
    warnings.extend(alike(document, &credentials));
    warnings
}

/// All credentials, of clients and of relays, each with its path.
fn credentials(document: &Value) -> Vec<(String, &Value)> {
    let mut all = Vec::new();
    for (place, client) in items(document.get("clients")).enumerate() {
        all.extend(located(&format!("clients[{place}].credentials"), client.get("credentials")));
    }
    let relays = document.get("identity").and_then(|identity| identity.get("trusted_relays"));
    all.extend(located("identity.trusted_relays", relays));
    all
}

fn located<'v>(path: &str, list: Option<&'v Value>) -> impl Iterator<Item = (String, &'v Value)> {
    items(list).enumerate().map(move |(place, item)| (format!("{path}[{place}]"), item))
}

fn items(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

fn certificate(credential: &Value) -> Option<CertificateContents> {
    let pem = credential.get("pem")?.as_str()?;
    CertificateContents::parse(&der_from_text(pem.as_bytes()).ok()?).ok()
}

/// Lists of issuers that the registry does not know. A registry knows the issuers of its certificates, and those that its
/// credentials and rules ask for; where it knows none, nothing can be said.
fn strangers(
    document: &Value,
    lists: &[RevocationList],
    issuers: &HashSet<CanonicalName>,
    credentials: &[(String, &Value)],
) -> Vec<String> {
    let asking = credentials.iter().map(|(_, value)| *value).chain(items(document.get("rules")));
    let asked: Vec<_> = asking.filter_map(|value| value.get("issuer")?.as_object()).collect();
    let unknown = |(place, (list, value)): (usize, (&RevocationList, &Value))| {
        let name = crl::issuer(value.get("pem")?.as_str()?).ok()?;
        let is_asked = |asked: &&Map<String, Value>| {
            asked.iter().all(|(attribute, value)| {
                AttributeType::from_name(attribute)
                    .is_some_and(|attribute| name.values(attribute).map(str::to_owned).eq(texts(value)))
            })
        };
        let known = issuers.contains(&list.issuer) || asked.iter().any(is_asked);
        let name = name.to_rfc4514();
        (!known).then(|| format!("crls[{place}]: no certificate in this registry is by the CRL's issuer, {name}"))
    };
    if issuers.is_empty() && asked.is_empty() {
        return Vec::new();
    }
    lists.iter().zip(items(document.get("crls"))).enumerate().filter_map(unknown).collect()
}

/// The values of an attribute, which are one text or a list of them.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        other => items(Some(other)).filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

/// Values of the same attribute that differ in case or spaces alone, wherever they are asked for.
fn alike(document: &Value, credentials: &[(String, &Value)]) -> Vec<String> {
    let rules = located("rules", document.get("rules"));
    let mut spellings: BTreeMap<_, BTreeMap<Vec<String>, String>> = BTreeMap::new();
    for (path, value) in credentials.iter().map(|(path, value)| (path.clone(), *value)).chain(rules) {
        for side in ["subject", "issuer"] {
            for (attribute, value) in value.get(side).and_then(Value::as_object).into_iter().flatten() {
                let texts = texts(value);
                let folded: Vec<_> = texts.iter().map(|text| folded(text)).collect();
                let spelled = spellings.entry((side, attribute.as_str(), folded)).or_default();
                spelled.entry(texts).or_insert_with(|| format!("{path}.{side}.{attribute}"));
            }
        }
    }
    let warning = |spelled: BTreeMap<Vec<String>, String>| {
        let mut spelled = spelled.into_iter().map(|(texts, path)| format!("`{}` ({path})", texts.join("`, `")));
        let (one, other) = (spelled.next()?, spelled.next()?);
        Some(format!("{one} and {other} differ in case or spaces alone, which count here"))
    };
    spellings.into_values().filter_map(warning).collect()
}
