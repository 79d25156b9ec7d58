//! `subject` and `issuer`: maps from attribute types to values.

use super::error::Errors;
use super::fields::{Fields, Located, report_unknown};
use super::node::Node;
use super::path::Path;
use crate::certificate::attribute_type::AttributeType;
use crate::certificate::names::NameParts;

const ATTRIBUTES: &str = "a map from attributes to values, such as {common_name: cart}";
const VALUE: &str = "text, or a list of texts for an attribute that occurs several times";

/// The name that `subject`, and `issuer` beside it, describe.
pub(super) fn read(subject: Located<'_>, fields: &Fields<'_>, errors: &mut Errors) -> Option<NameParts> {
    let issuer = fields.required("issuer", "the attributes of the certificate's issuer", errors);
    let subject = attributes(subject, errors);
    let issuer = issuer.and_then(|issuer| attributes(issuer, errors));
    Some(NameParts::attributes(subject?, issuer?))
}

/// The attribute types in `value`, each with its values.
pub(super) fn attributes<'v>(value: Located<'v>, errors: &mut Errors) -> Option<Vec<(AttributeType, Vec<&'v str>)>> {
    let Node::Map(entries) = value.node else { return value.wrong(ATTRIBUTES, errors) };
    if entries.is_empty() {
        return value.wrong(ATTRIBUTES, errors);
    }
    let mut attributes = Vec::new();
    let mut right = true;
    for (key, node) in entries {
        let path = Path::Key(&value.path, key);
        let attribute = AttributeType::from_name(key);
        if attribute.is_none() {
            report_unknown(key, &AttributeType::NAMES, &path, errors);
        }
        match (attribute, values(node, path, errors)) {
            (Some(attribute), Some(values)) => attributes.push((attribute, values)),
            _ => right = false,
        }
    }
    right.then_some(attributes)
}

/// The values of one attribute type, in their order.
fn values<'v>(node: &'v Node, path: Path<'_>, errors: &mut Errors) -> Option<Vec<&'v str>> {
    let values = match node {
        Node::List(items) if !items.is_empty() => items.iter().map(text).collect(),
        other => text(other).map(|value| vec![value]),
    };
    values.or_else(|| Located { node, path }.wrong(VALUE, errors))
}

fn text(node: &Node) -> Option<&str> {
    match node {
        Node::Text(text) if !text.is_empty() && !text.contains('\0') => Some(text),
        _ => None,
    }
}
