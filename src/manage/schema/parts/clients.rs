//! Clients and their credentials.

use super::attributes::ATTRIBUTES;
use super::{NAMES, optional, or_default, required};
use crate::schema::table::{Field, Kind, Part, Relation};
use crate::schema::text::{ALIAS, ANY, CERTIFICATE, DNS_PATTERN, FINGERPRINT, MOMENT, NAME, URI_PATTERN};

/// `clients[]`.
pub(super) static CLIENT: Part = Part {
    id: "client",
    title: "Clients",
    place: "`clients[]`",
    meaning: "A client: an API consumer with one credential or more.",
    fields: &[
        required("alias", Kind::Text(&ALIAS), "The name of the client, which no other client has."),
        required("tier", Kind::Text(&NAME), "The name of the client's tier.").such_as(&["\"gold\""]),
        or_default("enabled", Kind::Boolean, "true", "`false` refuses the client."),
        optional("description", Kind::Text(&ANY), "none", "A note for people.")
            .such_as(&["\"orders, contact ops@partner-a.example\""]),
        or_default("groups", NAMES, "[]", "The groups of the client, which rules ask for.").such_as(&["[\"finance\"]"]),
        or_default("scopes", NAMES, "[]", "The scopes that the client is granted, which rules ask for.")
            .such_as(&["[\"payments.write\"]"]),
        required(
            "credentials",
            Kind::List { of: &Kind::Part(&CREDENTIAL), least: 1, unique: false },
            "The credentials of the client. Each of them identifies the client. All of them share the client's \
             buckets.",
        ),
    ],
    relations: &[],
};

const SHA256: Field = optional(
    "sha256",
    Kind::Text(&FINGERPRINT),
    "none",
    "The fingerprint of one certificate: the SHA-256 of its DER form.",
);
const PEM: Field = optional(
    "pem",
    Kind::Text(&CERTIFICATE),
    "none",
    "One certificate. It counts as its fingerprint, and its validity period is known before its first use.",
);
const SPKI_SHA256: Field = optional(
    "spki_sha256",
    Kind::Text(&FINGERPRINT),
    "none",
    "The SPKI pin of every certificate with one public key: the SHA-256 of its SubjectPublicKeyInfo (RFC 7469). A \
     certificate that is renewed with the same key has the same pin.",
);
const URI_SAN: Field = optional(
    "uri_san",
    Kind::Text(&URI_PATTERN),
    "none",
    "The URI of a certificate that has no other URI among its subject alternative names. `*` stands for any one \
     segment of the path.",
);
const DNS_SAN: Field = optional(
    "dns_san",
    Kind::Text(&DNS_PATTERN),
    "none",
    "A DNS name among the subject alternative names of a certificate. `*` stands for any one label, but not for the \
     last.",
);
const SUBJECT: Field = optional("subject", Kind::Part(&ATTRIBUTES), "none", "Attributes of a certificate's subject.");
const ISSUER: Field = optional("issuer", Kind::Part(&ATTRIBUTES), "none", "Attributes of a certificate's issuer.");

/// The kinds of a credential.
pub(super) const ONE_KIND: &[Relation] = &[
    Relation::ExactlyOne(&["sha256", "pem", "spki_sha256", "uri_san", "dns_san", "subject"]),
    Relation::Needs(&["subject"], "issuer"),
    Relation::Needs(&["issuer"], "subject"),
];

/// The fields of a credential that identify a certificate.
pub(super) const KINDS: [Field; 7] = [SHA256, PEM, SPKI_SHA256, URI_SAN, DNS_SAN, SUBJECT, ISSUER];

/// `clients[].credentials[]`.
pub(super) static CREDENTIAL: Part = Part {
    id: "credential",
    title: "Credentials",
    place: "`clients[].credentials[]`",
    meaning: "A credential identifies certificates by a fingerprint, an SPKI pin or names.",
    fields: &[
        SHA256,
        PEM,
        SPKI_SHA256,
        URI_SAN,
        DNS_SAN,
        SUBJECT,
        ISSUER,
        optional(
            "name",
            Kind::Text(&NAME),
            "none",
            "The name of the credential, which no other credential of the client has. The metric of its expiry has \
             this name as a label.",
        )
        .such_as(&["\"laptop\""]),
        or_default(
            "primary",
            Kind::Boolean,
            "false",
            "A mark for people. At most one credential of a client is \
                                                       primary.",
        ),
        optional(
            "serial",
            Kind::Text(&ANY),
            "none",
            "The serial number of the certificate, for people. certgate does not compare it.",
        )
        .such_as(&["\"4f:00:9a\""]),
        optional("not_before", Kind::Text(&MOMENT), "no bound", "The first second at which the credential is valid."),
        optional(
            "not_after",
            Kind::Text(&MOMENT),
            "no bound",
            "The last second at which the credential is valid. It is not before `not_before`.",
        ),
        or_default("revoked", Kind::Boolean, "false", "`true` refuses the credential."),
    ],
    relations: ONE_KIND,
};
