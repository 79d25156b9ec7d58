//! The part `headers`: to the names under which identity goes upstream.

use super::error::{Errors, Problem};
use super::fields::{Fields, Located};
use super::node::Node;
use crate::domain::headers::{
    ALWAYS_OWNED, CLIENT_CERT, DEFAULT_ALIAS, DEFAULT_FINGERPRINT, DEFAULT_TIER, IdentityHeaders, fold,
};

/// The longest name: some proxies take no longer ones.
const LONGEST: usize = 128;

const NAME: &str = "a lower-case header name of at most 128 characters, or null";
const FREE: &str = "a header that certgate gives no other meaning";
const HARMLESS: &str = "a header that neither HTTP nor Envoy gives a meaning";

/// Names that steer HTTP or Envoy: whoever sets one of these does something else than naming a client.
const TAKEN: [&str; 15] = [
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
    // Envoy makes it itself, so that it would tell nothing of who made it.
    "x-request-id",
];
const TAKEN_FAMILIES: [&str; 2] = ["x-forwarded-", "x-envoy-"];

/// Those of [`ALWAYS_OWNED`] that have no other meaning than a name in use.
const NAMES: [&str; 8] = [
    DEFAULT_ALIAS,
    DEFAULT_TIER,
    DEFAULT_FINGERPRINT,
    "x-client-groups",
    "x-client-scopes",
    "x-client-subject",
    "x-client-spiffe-id",
    "x-client-not-after",
];

/// The headers with names of choice: their keys, and the names where the configuration gives none.
const NAMED: [(&str, Option<&str>); 8] = [
    ("alias", Some(DEFAULT_ALIAS)),
    ("tier", Some(DEFAULT_TIER)),
    ("fingerprint", Some(DEFAULT_FINGERPRINT)),
    ("groups", None),
    ("scopes", None),
    ("subject", None),
    ("spiffe_id", None),
    ("not_after", None),
];

const FIELDS: &[&str] =
    &["alias", "tier", "fingerprint", "groups", "scopes", "subject", "spiffe_id", "not_after", "client_cert"];

/// The names that `value` gives, and the default ones where it gives none.
pub(super) fn read(value: Located<'_>, errors: &mut Errors) -> Option<IdentityHeaders> {
    let fields = value.fields(FIELDS, "a map of header names", errors)?;
    let names = NAMED.map(|(key, default)| name(&fields, key, default, errors));
    let client_cert = client_cert(&fields, errors);
    let named: Vec<_> = NAMED.into_iter().map(|(key, _)| key).zip(&names).collect();
    for (place, first) in named.iter().enumerate() {
        for second in named.iter().skip(place.saturating_add(1)) {
            report_same(&fields, *first, *second, errors);
        }
    }
    let [alias, tier, fingerprint, groups, scopes, subject, spiffe_id, not_after] = names;
    Some(IdentityHeaders { alias, tier, fingerprint, groups, scopes, subject, spiffe_id, not_after, client_cert })
}

/// Whether the certificate goes upstream: RFC 9440 has one name for it.
fn client_cert(fields: &Fields<'_>, errors: &mut Errors) -> bool {
    let Some(field) = fields.optional("client_cert") else { return false };
    match field.node {
        Node::Null => false,
        Node::Text(text) if **text == *CLIENT_CERT => true,
        _ => {
            field.refuse("`client-cert` or null", errors);
            false
        }
    }
}

/// The header's name; `None` where it is switched off, or wrong.
fn name(fields: &Fields<'_>, key: &'static str, default: Option<&str>, errors: &mut Errors) -> Option<Box<str>> {
    let Some(field) = fields.optional(key) else {
        return default.map(Into::into);
    };
    if *field.node == Node::Null {
        return None;
    }
    let text = field.text(NAME, errors)?;
    if text.is_empty() || text.len() > LONGEST || !text.bytes().all(is_lower_case_token) {
        return field.wrong(NAME, errors);
    }
    let folded = folded(text);
    if ALWAYS_OWNED.contains(&folded.as_str()) && !NAMES.contains(&folded.as_str()) {
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
