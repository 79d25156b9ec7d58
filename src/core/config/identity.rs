//! `identity`: the source of the client's certificate, and whether its chain must be verified.

use super::credentials::{self, KINDS};
use super::error::{Errors, Problem};
use super::fields::Located;
use super::found::Found;
use crate::domain::credential::{Identifier, Shape};
use crate::domain::identity::{Chain, Identity, Relays, Source};
use crate::domain::sorted;

const IDENTITY: &str = "a map with `source`, `trusted_relays` and `chain`";
const RELAYS: &str = "a list of one credential or more";
const NO_RELAYS: &str = "`source: xfcc` beside it, or no `trusted_relays`";

/// The identity settings in `value`.
pub(super) fn read(value: Located<'_>, errors: &mut Errors) -> Option<Identity> {
    const SOURCES: &[(&str, bool)] = &[("connection", false), ("xfcc", true)];
    const CHAINS: &[(&str, Chain)] = &[("verified", Chain::Verified), ("listener", Chain::Listener)];
    let fields = value.fields(&["source", "trusted_relays", "chain"], IDENTITY, errors)?;
    let xfcc = match fields.optional("source") {
        Some(source) => source.choice(SOURCES, "`connection` or `xfcc`", errors),
        None => Some(false),
    };
    let chain = match fields.optional("chain") {
        Some(chain) => chain.choice(CHAINS, "`verified` or `listener`", errors),
        None => Some(Chain::default()),
    };
    let source = match (xfcc?, fields.optional("trusted_relays")) {
        (false, None) => Some(Source::Connection),
        (true, Some(list)) => relays(list, errors).map(Source::Xfcc),
        (false, Some(list)) => list.wrong(NO_RELAYS, errors),
        (true, None) => {
            let problem = Problem::Value { expected: RELAYS, found: Found::Nothing };
            errors.push(&fields.path("trusted_relays"), problem);
            None
        }
    };
    Some(Identity { source: source?, chain: chain? })
}

fn relays(list: Located<'_>, errors: &mut Errors) -> Option<Relays> {
    let mut right = Relays::default();
    for (identifier, shape) in list.some(RELAYS, errors, relay)? {
        sorted::insert(&mut right.identifiers, identifier);
        shape.into_iter().for_each(|shape| sorted::insert(&mut right.shapes, shape));
    }
    Some(right)
}

fn relay(item: Located<'_>, errors: &mut Errors) -> Option<(Identifier, Option<Shape>)> {
    let fields = item.fields(&KINDS, credentials::CREDENTIAL, errors)?;
    let (identifier, _, name) = credentials::asked(&fields, &item.path, errors)?;
    Some((identifier, name.map(|name| name.shape())))
}
