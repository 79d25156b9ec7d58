//! `headers`: the names of the headers that carry the identity to upstreams.

use super::error::{Errors, Problem};
use super::fields::{Fields, Located};
use super::node::Node;
use crate::domain::headers::{
    ALWAYS_OWNED, CLIENT_CERT, DEFAULT_ALIAS, DEFAULT_FINGERPRINT, DEFAULT_TIER, IdentityHeaders, fold,
};

/// The longest name, in characters: some proxies accept no longer ones.
const LONGEST: usize = 128;

const NAME: &str = "a lower-case header name of at most 128 characters, or null";
const FREE: &str = "a header that certgate does not use for anything else";
const HARMLESS: &str = "a header without a meaning for HTTP or Envoy";

/// Names with a meaning for HTTP or Envoy. Setting them would have other effects than naming a client.
pub const RESERVED_HEADERS: [&str; 15] = [
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
    // Envoy sets this one itself.
    "x-request-id",
];
/// The beginnings of further names with a meaning for Envoy.
pub const RESERVED_HEADER_PREFIXES: [&str; 2] = ["x-forwarded-", "x-envoy-"];

/// The names of [`ALWAYS_OWNED`] that a configuration may use.
pub const IDENTITY_HEADERS: [&str; 8] = [
    DEFAULT_ALIAS,
    DEFAULT_TIER,
    DEFAULT_FINGERPRINT,
    "x-client-groups",
    "x-client-scopes",
    "x-client-subject",
    "x-client-spiffe-id",
    "x-client-not-after",
];

/// The keys with a name to choose, and their default names.
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

/// The names in `value`, and the default ones for keys that it lacks.
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

/// Whether the certificate is sent upstream. RFC 9440 fixes the name of its header.
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

/// The name of the header; `None` if the header is off, or the name has an error.
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
    if ALWAYS_OWNED.contains(&folded.as_str()) && !IDENTITY_HEADERS.contains(&folded.as_str()) {
        return field.wrong(FREE, errors);
    }
    if RESERVED_HEADERS.contains(&folded.as_str())
        || RESERVED_HEADER_PREFIXES.iter().any(|prefix| folded.starts_with(prefix))
    {
        return field.wrong(HARMLESS, errors);
    }
    Some(text.into())
}

/// Reports two names that an upstream may not tell apart, at the one that the configuration has.
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
    errors.push(&fields.path(key), Problem::Duplicate { what: "a header", first: fields.path(other).to_string() });
}

/// A character of a token (RFC 9110 section 5.6.2), without upper case, which HTTP/2 does not have.
fn is_lower_case_token(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn folded(name: &str) -> String {
    name.bytes().map(|byte| char::from(fold(byte))).collect()
}
