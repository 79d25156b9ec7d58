//! Warnings about names: names in certificates that cannot be read, issuers of revocation lists that the registry does not
//! know, and values that are nearly the same.

use crate::diagnostic::Diagnostic;
use crate::diagnostic::code::Code;
use crate::load::Loaded;
use crate::load::document::Document;
use crate::load::tree::{Entry, Node, Value};
use certgate_core::certificate::attribute_type::AttributeType;
use certgate_core::certificate::canonical_name::folded;
use certgate_core::certificate::contents::CertificateContents;
use certgate_core::certificate::{crl, der_from_text};
use certgate_core::domain::revocation::{CanonicalName, RevocationList};
use std::collections::{BTreeMap, HashSet};

/// The warnings about this registry.
pub(super) fn warnings(registry: &Loaded<'_>) -> Vec<Diagnostic> {
    let Loaded { policy, document } = registry;
    let credentials = credentials(document.root());
    let certificates: Vec<_> =
        credentials.iter().filter_map(|(path, value)| Some((path, certificate(value)?))).collect();
    let mut warnings = Vec::new();
    for (path, attributes) in &certificates {
        let path = format!("{path}.pem");
        for part in attributes.unreadable() {
            let message = format!("{part} cannot be read, so no client is identified by it");
            let warning = Diagnostic::warning(Code::UnreadableName, message);
            warnings.push(warning.at(&path, Some(document.span_at(&path))));
        }
    }
    let issuers: HashSet<_> = certificates.iter().map(|(_, attributes)| attributes.issuer.canonical()).collect();
    warnings.extend(unknown_issuers(document, &policy.revocation_lists, &issuers, &credentials));
    warnings.extend(similar(document, &credentials));
    warnings
}

/// All credentials, of clients and of relays, each with its path.
fn credentials(root: &Node) -> Vec<(String, &Node)> {
    let mut all = Vec::new();
    for (index, client) in items(root.get("clients")).iter().enumerate() {
        all.extend(located(&format!("clients[{index}].credentials"), client.get("credentials")));
    }
    let relays = root.get("identity").and_then(|identity| identity.get("trusted_relays"));
    all.extend(located("identity.trusted_relays", relays));
    all
}

fn located<'v>(path: &str, list: Option<&'v Node>) -> impl Iterator<Item = (String, &'v Node)> {
    items(list).iter().enumerate().map(move |(index, item)| (format!("{path}[{index}]"), item))
}

fn items(list: Option<&Node>) -> &[Node] {
    list.map(Node::items).unwrap_or_default()
}

fn certificate(credential: &Node) -> Option<CertificateContents> {
    let pem = credential.get("pem")?.as_str()?;
    CertificateContents::parse(&der_from_text(pem.as_bytes()).ok()?).ok()
}

/// Lists of issuers that the registry does not know. A registry knows the issuers of its certificates, and those that its
/// credentials and rules ask for; of a registry that knows none, nothing can be said.
fn unknown_issuers(
    document: &Document<'_>,
    lists: &[RevocationList],
    issuers: &HashSet<CanonicalName>,
    credentials: &[(String, &Node)],
) -> Vec<Diagnostic> {
    let root = document.root();
    let asking = credentials.iter().map(|(_, value)| *value).chain(items(root.get("rules")));
    let asked: Vec<&[Entry]> =
        asking.filter_map(|value| value.get("issuer")).map(Node::entries).filter(|asked| !asked.is_empty()).collect();
    if issuers.is_empty() && asked.is_empty() {
        return Vec::new();
    }
    let unknown = |(index, (list, value)): (usize, (&RevocationList, &Node))| {
        let name = crl::issuer(value.get("pem")?.as_str()?).ok()?;
        let is_asked = |asked: &&[Entry]| {
            asked.iter().all(|Entry { key, node, .. }| {
                AttributeType::from_name(key)
                    .is_some_and(|attribute| name.values(attribute).map(str::to_owned).eq(texts(node)))
            })
        };
        if issuers.contains(&list.issuer) || asked.iter().any(is_asked) {
            return None;
        }
        let message = format!("no certificate in this registry is by the CRL's issuer, {}", name.to_rfc4514());
        let warning = Diagnostic::warning(Code::UnknownCrlIssuer, message);
        Some(warning.at(format!("crls[{index}]"), Some(document.span(value))))
    };
    lists.iter().zip(items(root.get("crls"))).enumerate().filter_map(unknown).collect()
}

/// The values of an attribute, which are one text or a list of them.
fn texts(value: &Node) -> Vec<String> {
    match &value.value {
        Value::Text(text) => vec![text.clone()],
        _ => value.items().iter().filter_map(Node::as_str).map(str::to_owned).collect(),
    }
}

/// Values of the same attribute that differ in case or spaces alone, wherever they are asked for.
fn similar(document: &Document<'_>, credentials: &[(String, &Node)]) -> Vec<Diagnostic> {
    let rules: Vec<_> = located("rules", document.root().get("rules")).collect();
    let mut spellings: BTreeMap<_, BTreeMap<Vec<String>, String>> = BTreeMap::new();
    for (path, value) in credentials.iter().chain(&rules) {
        for side in ["subject", "issuer"] {
            let attributes = value.get(side).map(Node::entries).unwrap_or_default();
            for Entry { key, node, .. } in attributes {
                let texts = texts(node);
                let folded: Vec<_> = texts.iter().map(|text| folded(text)).collect();
                let spelled = spellings.entry((side, key.as_str(), folded)).or_default();
                spelled.entry(texts).or_insert_with(|| format!("{path}.{side}.{key}"));
            }
        }
    }
    let warning = |spelled: BTreeMap<Vec<String>, String>| {
        let mut spelled = spelled.into_iter().map(|(texts, path)| (format!("`{}`", texts.join("`, `")), path));
        let ((one, path), (other, other_path)) = (spelled.next()?, spelled.next()?);
        let message = format!("{one} differs from {other} ({other_path}) in case or spaces alone, which count here");
        Some(Diagnostic::warning(Code::SimilarValues, message).at(&path, Some(document.span_at(&path))))
    };
    spellings.into_values().filter_map(warning).collect()
}
