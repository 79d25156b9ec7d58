//! The conditions of rules on certificates: `uri_san`, `dns_san`, `subject`, `issuer`. Each becomes a list of
//! identifiers; rules with equal conditions share it.

use super::distinguished_name::attributes;
use super::error::Errors;
use super::fields::{Fields, Located};
use crate::certificate::attribute_type::AttributeType;
use crate::certificate::names::{DNS, NameParts, URI};
use crate::domain::credential::Shape;
use crate::domain::rules::{Condition, ConditionIndex};
use crate::domain::sorted;

const PATTERNS: &str = "a list of patterns";

/// The conditions of all rules.
#[derive(Default)]
pub(super) struct Conditions {
    all: Vec<Condition>,
    shapes: Vec<Shape>,
}

impl Conditions {
    /// The condition that a certificate has any of these names.
    fn any_of(&mut self, names: &[NameParts]) -> ConditionIndex {
        names.iter().for_each(|name| sorted::insert(&mut self.shapes, name.shape()));
        let mut condition = Condition::new();
        names.iter().filter_map(NameParts::identifier).for_each(|name| sorted::insert(&mut condition, name));
        let place = self.all.iter().position(|known| *known == condition).unwrap_or_else(|| {
            self.all.push(condition);
            self.all.len().saturating_sub(1)
        });
        ConditionIndex(place)
    }

    /// The conditions by index, and their shapes.
    pub(super) fn finish(self) -> (Vec<Condition>, Vec<Shape>) {
        (self.all, self.shapes)
    }
}

/// The conditions of a rule, all of which must be met.
pub(super) fn read(fields: &Fields<'_>, all: &mut Conditions, errors: &mut Errors) -> Option<Vec<ConditionIndex>> {
    let uris = fields.optional("uri_san").map(|list| patterns(list, NameParts::uri_pattern, URI, errors));
    let hosts = fields.optional("dns_san").map(|list| patterns(list, NameParts::dns_pattern, DNS, errors));
    // One condition for each attribute, so that rules share those that they have in common.
    let mut one_by_one = |name, parts: fn((AttributeType, Vec<&str>)) -> NameParts| {
        fields.optional(name).map(|list| {
            let attributes = attributes(list, errors)?;
            Some(attributes.into_iter().map(|attribute| vec![parts(attribute)]).collect::<Vec<_>>())
        })
    };
    let subject = one_by_one("subject", |attribute| NameParts::attributes([attribute], []));
    let issuer = one_by_one("issuer", |attribute| NameParts::attributes([], [attribute]));
    let mut conditions = Vec::new();
    for names in [uris, hosts].into_iter().flatten() {
        conditions.push(all.any_of(&names?));
    }
    for attributes in [subject, issuer].into_iter().flatten() {
        conditions.extend(attributes?.iter().map(|names| all.any_of(names)));
    }
    Some(conditions)
}

fn patterns(
    list: Located<'_>,
    pattern: fn(&str) -> Option<NameParts>,
    expected: &'static str,
    errors: &mut Errors,
) -> Option<Vec<NameParts>> {
    list.some(PATTERNS, errors, |item, errors| {
        pattern(item.text(expected, errors)?).or_else(|| item.wrong(expected, errors))
    })
}
