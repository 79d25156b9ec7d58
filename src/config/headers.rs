//! The part `headers`: to the names under which identity goes upstream.

use super::error::{Errors, Problem};
use super::fields::{Fields, Located};
use super::node::Node;
use crate::domain::headers::{ALWAYS_OWNED, DEFAULT_ALIAS, DEFAULT_FINGERPRINT, DEFAULT_TIER, IdentityHeaders, fold};

/// The longest name: some proxies take no longer ones.
const LONGEST: usize = 128;

const NAME: &str = "a lower-case header name of at most 128 characters, or null";
const FREE: &str = "a header that certgate gives no other meaning";
const HARMLESS: &str = "a header that neither HTTP nor Envoy gives a meaning";

/// Names that steer HTTP or Envoy: whoever sets one of these does something else than naming a client.
const TAKEN: [&str; 14] = [
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
const TAKEN_FAMILIES: [&str; 2] = ["x-forwarded-", "x-envoy-"];

/// The names that `value` gives, and the default ones where it gives none.
pub(super) fn read(value: Located<'_>, errors: &mut Errors) -> Option<IdentityHeaders> {
    let fields = value.fields(&["alias", "tier", "fingerprint"], "a map of header names", errors)?;
    let alias = name(&fields, "alias", DEFAULT_ALIAS, errors);
    let tier = name(&fields, "tier", DEFAULT_TIER, errors);
    let fingerprint = name(&fields, "fingerprint", DEFAULT_FINGERPRINT, errors);
    report_same(&fields, ("alias", &alias), ("tier", &tier), errors);
    report_same(&fields, ("alias", &alias), ("fingerprint", &fingerprint), errors);
    report_same(&fields, ("tier", &tier), ("fingerprint", &fingerprint), errors);
    Some(IdentityHeaders { alias, tier, fingerprint })
}

/// The header's name; `None` where it is switched off, or wrong.
fn name(fields: &Fields<'_>, key: &'static str, default: &str, errors: &mut Errors) -> Option<Box<str>> {
    let Some(field) = fields.optional(key) else {
        return Some(default.into());
    };
    if *field.node == Node::Null {
        return None;
    }
    let text = field.text(NAME, errors)?;
    if text.is_empty() || text.len() > LONGEST || !text.bytes().all(is_lower_case_token) {
        return field.wrong(NAME, errors);
    }
    let folded = folded(text);
    let own = ALWAYS_OWNED.contains(&folded.as_str())
        && ![DEFAULT_ALIAS, DEFAULT_TIER, DEFAULT_FINGERPRINT].contains(&&*folded);
    if own {
        return field.wrong(FREE, errors);
    }
    if TAKEN.contains(&folded.as_str()) || TAKEN_FAMILIES.iter().any(|family| folded.starts_with(family)) {
        return field.wrong(HARMLESS, errors);
    }
    Some(text.into())
}

/// Reports two names that some upstream reads as one, at the one that the configuration has.
fn report_same(
    fields: &Fields<'_>,
    (first_key, first): (&'static str, &Option<Box<str>>),
    (second_key, second): (&'static str, &Option<Box<str>>),
    errors: &mut Errors,
) {
    let (Some(first), Some(second)) = (first, second) else {
        return;
    };
    if folded(first) != folded(second) {
        return;
    }
    let (key, other) =
        if fields.optional(second_key).is_some() { (second_key, first_key) } else { (first_key, second_key) };
    errors.push(&fields.path(key), Problem::Taken { what: "a header", first: fields.path(other).to_string() });
}

/// RFC 9110 section 5.6.2, without upper case: HTTP/2 has none.
fn is_lower_case_token(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn folded(name: &str) -> String {
    name.bytes().map(|byte| char::from(fold(byte))).collect()
}
