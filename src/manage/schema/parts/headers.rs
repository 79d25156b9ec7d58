//! The request headers that tell upstreams who calls.

use super::or_default;
use crate::schema::table::{Field, Kind, Part};
use crate::schema::text::HEADER;

const NAME_OR_NULL: Kind = Kind::Either(&[Kind::Text(&HEADER), Kind::Only("null")]);

const fn absent(name: &'static str, meaning: &'static str) -> Field {
    or_default(name, NAME_OR_NULL, "null", meaning)
}

/// `headers`.
pub(super) static HEADERS: Part = Part {
    id: "headers",
    title: "Identity headers",
    place: "`headers`",
    meaning: "The names of the request headers that tell upstreams who calls. `null` switches a header off. No two \
              headers have the same name; letters and digits are compared, and every other character counts as `-`.",
    fields: &[
        or_default("alias", NAME_OR_NULL, "\"x-client-alias\"", "The alias of the client."),
        or_default("tier", NAME_OR_NULL, "\"x-client-tier\"", "The tier of the client."),
        or_default(
            "fingerprint",
            NAME_OR_NULL,
            "\"x-client-fingerprint\"",
            "The fingerprint of the certificate: 64 lower-case hexadecimal digits.",
        ),
        absent("groups", "The groups of the client, separated by commas.").such_as(&["\"x-client-groups\""]),
        absent("scopes", "The scopes of the client, separated by spaces.").such_as(&["\"x-client-scopes\""]),
        absent("subject", "The subject of the certificate (RFC 4514), percent-encoded.")
            .such_as(&["\"x-client-subject\""]),
        absent("spiffe_id", "The SPIFFE ID of the certificate.").such_as(&["\"x-client-spiffe-id\""]),
        absent("not_after", "The end of the certificate's validity period (RFC 3339).")
            .such_as(&["\"x-client-not-after\""]),
        or_default(
            "client_cert",
            Kind::Either(&[Kind::Only("\"client-cert\""), Kind::Only("null")]),
            "null",
            "The certificate itself (RFC 9440). The name of its header is always `client-cert`.",
        ),
    ],
    relations: &[],
};
