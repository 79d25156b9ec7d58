//! The part `tiers`: to tiers and their limits.

use super::duration;
use super::error::{Errors, Problem};
use super::fields::{Fields, Located, Names};
use super::node::{LARGEST_INTEGER, Node};
use super::path::Path;
use crate::domain::client::Tier;
use crate::domain::limit::{Limit, LimitId, Rate, RateError};
use crate::domain::name::{NONE, Name};
use crate::domain::time::Nanos;
use sha2::{Digest, Sha256};
use std::num::NonZeroU64;

const TIER: &str = "a map with `limits`, or an empty one for no limits";
const LIMIT: &str = "a map with `name`, `requests` and `per`";
const COUNT: &str = "a whole number from 1 to 2^53";
const PERIOD: &str = "a duration from 100ms to 366d, such as 500ms, 1s, 5m, 1h or 1d";

const SHORTEST_PERIOD: Nanos = Nanos(100 * duration::PER_MILLISECOND);
const LONGEST_PERIOD: Nanos = Nanos(366 * 86_400 * Nanos::PER_SECOND);

/// The tiers by name, in ascending order: a Struct keeps none. A tier whose limits are wrong is among them, so that its
/// clients are not wrong too. `None` if it cannot be known which tiers there are.
pub(super) fn read(value: Located<'_>, errors: &mut Errors) -> Option<Vec<Tier>> {
    let Node::Map(entries) = value.node else {
        return value.wrong("a map from names to tiers", errors);
    };
    let mut tiers: Vec<Tier> = Vec::new();
    for (key, node) in entries {
        let path = Path::Key(&value.path, key);
        let name = Located { node: &Node::of_key(key), path }.free_name(&[NONE], errors);
        let limits = limits(Located { node, path }, errors);
        if let Some(name) = name {
            let place = tiers.partition_point(|tier| tier.name < name);
            tiers.insert(place, Tier { name, limits });
        }
    }
    Some(tiers)
}

fn limits(tier: Located<'_>, errors: &mut Errors) -> Vec<Limit> {
    let mut limits = Vec::new();
    let Some(fields) = tier.fields(&["limits"], TIER, errors) else {
        return limits;
    };
    let Some(list) = fields.optional("limits").filter(|list| list.is_list("a list of limits", errors)) else {
        return limits;
    };
    let mut names = Names::of(list.path);
    for (index, item) in list.items().enumerate() {
        let Some(fields) = item.fields(&["name", "requests", "per", "burst"], LIMIT, errors) else {
            continue;
        };
        let name = fields
            .required("name", "the limit's name", errors)
            .and_then(|name| name.unique_name(&mut names, index, errors));
        let rate = rate(&fields, errors);
        if let (Some(name), Some(rate)) = (name, rate) {
            limits.push(Limit { id: limit_id(&name), name, rate });
        }
    }
    limits
}

fn rate(fields: &Fields<'_>, errors: &mut Errors) -> Option<Rate> {
    let requests_field = fields.required("requests", COUNT, errors);
    let requests = requests_field.and_then(|requests| count(requests, errors));
    let per = fields.required("per", PERIOD, errors).and_then(|per| period(per, errors));
    let burst_field = fields.optional("burst");
    let burst = match burst_field {
        Some(burst) => count(burst, errors),
        None => requests,
    };
    let problem = match Rate::new(requests?, per?, burst?) {
        Ok(rate) => return Some(rate),
        Err(RateError::Rounding { nearest_requests }) => {
            errors.push(&requests_field?.path, Problem::Rounding { nearest: nearest_requests });
            return None;
        }
        Err(RateError::Fill { nearest_burst }) => Problem::Fill { largest: nearest_burst },
        Err(RateError::Burst) => Problem::Burst,
    };
    errors.push(&burst_field.or(requests_field)?.path, problem);
    None
}

fn count(value: Located<'_>, errors: &mut Errors) -> Option<NonZeroU64> {
    value.integer(1..=LARGEST_INTEGER.unsigned_abs(), COUNT, errors).and_then(NonZeroU64::new)
}

fn period(value: Located<'_>, errors: &mut Errors) -> Option<NonZeroU64> {
    let text = value.text(PERIOD, errors)?;
    let period = duration::parse(text).filter(|period| (SHORTEST_PERIOD..=LONGEST_PERIOD).contains(period));
    period.and_then(|Nanos(nanos)| NonZeroU64::new(nanos)).or_else(|| value.wrong(PERIOD, errors))
}

/// The owner's kind and the limit's name with a byte between them that no name has.
fn limit_id(name: &Name) -> LimitId {
    let digest = Sha256::new().chain_update("tier\0").chain_update(name.as_str()).finalize();
    let bytes = <[u8; 32]>::from(digest);
    LimitId(bytes.first_chunk().copied().unwrap_or_default())
}
