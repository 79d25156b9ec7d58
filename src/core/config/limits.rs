//! A list of limits: kind, rate or quota, cost of methods, and mode.

use super::capabilities::Capabilities;
use super::duration;
use super::error::{Errors, Problem};
use super::fields::{Fields, Located, Names};
use super::node::{LARGEST_INTEGER, Node};
use super::path::Path;
use crate::domain::cost::Cost;
use crate::domain::limit::{Kind, Limit, LimitId};
use crate::domain::mode::Mode;
use crate::domain::name::Name;
use crate::domain::quota::{Initial, Period, Quota};
use crate::domain::rate::{LARGEST_CAPACITY, Rate, RateError, Unit};
use crate::domain::time::Nanos;
use sha2::{Digest, Sha256};
use std::num::NonZeroU64;

const LIMITS: &str = "a list of limits";
const LIMIT: &str = "a map with `name`, `per`, and `requests` or `bytes`";
const NAME: &str = "the limit's name";
const KIND: &str = "`token_bucket`, `quota` or `bytes`";
const COUNT: &str = "a whole number from 1 to 2^53";
const QUOTA: &str = "a whole number from 1 to 999999999999999";
const PERIOD: &str = "a duration from 100ms to 366d, such as 500ms, 1s, 5m, 1h or 1d";
const PERIOD_OR_QUOTA: &str = "a duration from 100ms to 366d, or `kind: quota` beside it";
const WINDOW: &str = "`hour`, `day` or `month`, of the calendar in UTC";
const COST: &str = "a map from methods to costs, such as {POST: 5, default: 1}";
const SOME_COST: &str = "a cost above 0 for some method or for `default`";
const METHOD: &str = "a method in capitals, such as POST, or `default`";
const WEIGHT: &str = "a whole number from 0 to 2^53";
const WARN_AT: &str = "a share from 1% to 100%, such as 80%";

const TOKEN_BUCKET_FIELDS: &[&str] = &["name", "kind", "requests", "per", "burst", "cost", "mode", "warn_at"];
const FIELDS: &[&str] = &["name", "kind", "requests", "bytes", "per", "burst", "initial", "cost", "mode", "warn_at"];
const BYTES_FIELDS: &[&str] = &["name", "kind", "bytes", "per", "burst", "mode", "warn_at"];
const QUOTA_FIELDS: &[&str] = &["name", "kind", "requests", "per", "initial", "cost", "mode", "warn_at"];

const SHORTEST_PERIOD: Nanos = Nanos(100 * duration::PER_MILLISECOND);
const LONGEST_PERIOD: Nanos = Nanos(366 * 86_400 * Nanos::PER_SECOND);

/// The kind that a limit states.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stated {
    TokenBucket,
    Quota,
    Bytes,
}

/// The owner of a list of limits.
#[derive(Clone, Copy)]
pub(super) enum Owner<'n> {
    /// Any tier.
    Tier,
    /// The rule with this name.
    Rule(&'n Name),
}

/// The limits without errors; `None` if the value is no list.
pub(super) fn read(
    list: Located<'_>,
    owner: Owner<'_>,
    capabilities: Capabilities,
    errors: &mut Errors,
) -> Option<Vec<Limit>> {
    if !list.is_list(LIMITS, errors) {
        return None;
    }
    let mut names = Names::of(list.path);
    let limits = list
        .items()
        .enumerate()
        .filter_map(|(index, item)| limit(item, owner, capabilities, &mut names, index, errors));
    Some(limits.collect())
}

fn limit(
    item: Located<'_>,
    owner: Owner<'_>,
    capabilities: Capabilities,
    names: &mut Names<'_>,
    index: usize,
    errors: &mut Errors,
) -> Option<Limit> {
    const MODES: &[(&str, Mode)] = &[("enforce", Mode::Enforce), ("shadow", Mode::Shadow)];
    let stated = stated_kind(&item, capabilities, errors);
    let known = match stated {
        Some(Stated::TokenBucket) => TOKEN_BUCKET_FIELDS,
        Some(Stated::Quota) => QUOTA_FIELDS,
        Some(Stated::Bytes) => BYTES_FIELDS,
        None => FIELDS,
    };
    let fields = item.fields(known, LIMIT, errors)?;
    let name = fields.required("name", NAME, errors).and_then(|name| name.unique_name(names, index, errors));
    let kind = stated.and_then(|stated| match stated {
        Stated::TokenBucket => token_bucket(Unit::Request, &fields, errors),
        Stated::Bytes => token_bucket(Unit::Byte, &fields, errors),
        Stated::Quota => quota(&fields, errors).map(|quota| (Kind::Quota(quota), 0)),
    });
    let cost = match fields.optional("cost") {
        _ if stated == Some(Stated::Bytes) => Some(Cost::Bytes),
        Some(cost) => self::cost(cost, errors),
        None => Some(Cost::default()),
    };
    let mode = match fields.optional("mode") {
        Some(mode) => mode.choice(MODES, "`enforce` or `shadow`", errors),
        None => Some(Mode::Enforce),
    };
    let warn_at = fields.optional("warn_at").map(|share| percent(share, errors));
    let (name, (kind, rounding), cost, mode) = (name?, kind?, cost?, mode?);
    let (id, warn_at) = (id(owner, &name, &cost), warn_at.unwrap_or_default());
    let limit = Limit { id, name, kind, cost, rounding, mode, warn_at };
    affordable(&limit, fields.path("cost"), errors).then_some(limit)
}

/// The kind that the limit states; `None` if it is unknown, or the value is no map, which is reported elsewhere.
fn stated_kind(item: &Located<'_>, capabilities: Capabilities, errors: &mut Errors) -> Option<Stated> {
    const KINDS: &[(&str, Stated)] =
        &[("token_bucket", Stated::TokenBucket), ("quota", Stated::Quota), ("bytes", Stated::Bytes)];
    let Node::Map(entries) = item.node else { return None };
    let Some((key, node)) = entries.iter().find(|(key, _)| **key == *"kind") else {
        return Some(Stated::TokenBucket);
    };
    let kind = Located { node, path: Path::Key(&item.path, key) };
    let stated = kind.choice(KINDS, KIND, errors);
    if stated == Some(Stated::Bytes) && !capabilities.bytes {
        errors.push(&kind.path, Problem::Bytes);
    }
    stated
}

/// The rate, and the nanoseconds that rounding adds to the time to fill its bucket.
fn token_bucket(unit: Unit, fields: &Fields<'_>, errors: &mut Errors) -> Option<(Kind, u32)> {
    let tokens = match unit {
        Unit::Request => "requests",
        Unit::Byte => "bytes",
    };
    let requests_field = fields.required(tokens, COUNT, errors);
    let requests = requests_field.and_then(|requests| count(requests, errors));
    let per = fields.required("per", PERIOD, errors).and_then(|per| period(per, errors));
    let burst_field = fields.optional("burst");
    let burst = match burst_field {
        Some(burst) => count(burst, errors),
        None => requests,
    };
    let (requests, per, burst) = (requests?, per?, burst?);
    let problem = match Rate::new(unit, requests, per, burst) {
        Ok(rate) => {
            let window = u128::from(per.get()).saturating_mul(burst.get().into()).div_ceil(requests.get().into());
            let rounding = u128::from(rate.fill().0).saturating_sub(window);
            return Some((Kind::TokenBucket(rate), u32::try_from(rounding).unwrap_or(u32::MAX)));
        }
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
    if ["hour", "day", "month"].contains(&text) {
        return value.wrong(PERIOD_OR_QUOTA, errors);
    }
    let period = duration::parse(text).filter(|period| (SHORTEST_PERIOD..=LONGEST_PERIOD).contains(period));
    period.and_then(|Nanos(nanos)| NonZeroU64::new(nanos)).or_else(|| value.wrong(PERIOD, errors))
}

fn quota(fields: &Fields<'_>, errors: &mut Errors) -> Option<Quota> {
    const WINDOWS: &[(&str, Period)] = &[("hour", Period::Hour), ("day", Period::Day), ("month", Period::Month)];
    const INITIALS: &[(&str, Initial)] = &[("full", Initial::Full), ("prorated", Initial::Prorated)];
    let requests = fields
        .required("requests", QUOTA, errors)
        .and_then(|requests| requests.integer(1..=LARGEST_CAPACITY, QUOTA, errors));
    let period = fields.required("per", WINDOW, errors).and_then(|per| per.choice(WINDOWS, WINDOW, errors));
    let initial = match fields.optional("initial") {
        Some(initial) => initial.choice(INITIALS, "`full` or `prorated`", errors),
        None => Some(Initial::Full),
    };
    Some(Quota { requests: NonZeroU64::new(requests?)?, period: period?, initial: initial? })
}

fn cost(value: Located<'_>, errors: &mut Errors) -> Option<Cost> {
    let Node::Map(entries) = value.node else { return value.wrong(COST, errors) };
    let (mut methods, mut default, mut right) = (Vec::new(), 1, true);
    for (key, node) in entries {
        let path = Path::Key(&value.path, key);
        if &**key != "default" && !is_method(key) {
            Located { node: &Node::of_key(key), path }.refuse(METHOD, errors);
            right = false;
        }
        let weight = Located { node, path }.integer(0..=LARGEST_INTEGER.unsigned_abs(), WEIGHT, errors);
        match weight {
            Some(weight) if &**key == "default" => default = weight,
            Some(weight) => methods.push((key.clone(), weight)),
            None => right = false,
        }
    }
    if right && default == 0 && methods.iter().all(|(_, weight)| *weight == 0) {
        return value.wrong(SOME_COST, errors);
    }
    right.then_some(Cost::Requests { methods, default })
}

/// Whether no request costs more than the limit's capacity.
fn affordable(limit: &Limit, cost: Path<'_>, errors: &mut Errors) -> bool {
    let Cost::Requests { methods, default } = &limit.cost else { return true };
    let most = limit.capacity().get();
    let methods = methods.iter().map(|(method, weight)| (&**method, *weight));
    let mut affordable = true;
    for (method, found) in methods.chain([("default", *default)]).filter(|(_, weight)| *weight > most) {
        errors.push(&Path::Key(&cost, method), Problem::Cost { most, found });
        affordable = false;
    }
    affordable
}

fn percent(value: Located<'_>, errors: &mut Errors) -> Option<u8> {
    let Node::Text(text) = value.node else { return value.wrong(WARN_AT, errors) };
    let digits = text.strip_suffix('%').filter(|digits| !digits.starts_with('0'));
    let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let share = digits.and_then(|digits| digits.parse().ok()).filter(|share| (1..=100).contains(share));
    share.or_else(|| value.wrong(WARN_AT, errors))
}

/// Whether the text can be a method (RFC 9110 section 9.1). Methods are compared by exact case.
pub(super) fn is_method(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-')
}

/// A digest of owner, name and, if the limit does not count requests, unit. A byte that no name has stands between
/// them.
pub(super) fn id(owner: Owner<'_>, name: &Name, cost: &Cost) -> LimitId {
    let (kind, rule) = match owner {
        Owner::Tier => ("tier\0", ""),
        Owner::Rule(rule) => ("rule\0", rule.as_str()),
    };
    let unit = if *cost == Cost::Bytes { "\0bytes" } else { "" };
    let digest = Sha256::new().chain_update(kind);
    let digest = if rule.is_empty() { digest } else { digest.chain_update(rule).chain_update("\0") };
    let digest = digest.chain_update(name.as_str()).chain_update(unit).finalize();
    let bytes = <[u8; 32]>::from(digest);
    LimitId(bytes.first_chunk().copied().unwrap_or_default())
}
