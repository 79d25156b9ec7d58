//! The source of certificates, relays, and certificate revocation lists.

use super::clients::{KINDS, ONE_KIND};
use super::{optional, or_default, required};
use crate::schema::table::{Kind, Part, Relation};
use crate::schema::text::{CERTIFICATE_OR_CHAIN, CRL_TEXT};

/// `identity`.
pub(super) static IDENTITY: Part = Part {
    id: "identity",
    title: "Identity",
    place: "`identity`",
    meaning: "The source of the client's certificate, and the condition under which names in certificates count.",
    fields: &[
        or_default(
            "source",
            Kind::Choice(&["connection", "xfcc"]),
            "\"connection\"",
            "`connection`: the peer certificate of the TLS connection. `xfcc`: the certificate that a trusted relay \
             forwards in `x-forwarded-client-cert`.",
        ),
        optional(
            "trusted_relays",
            Kind::List { of: &Kind::Part(&RELAY), least: 1, unique: false },
            "none",
            "The proxies whose `x-forwarded-client-cert` counts.",
        ),
        or_default(
            "chain",
            Kind::Choice(&["verified", "listener"]),
            "\"verified\"",
            "`verified`: names count if Envoy says that it has verified the certificate chain of this connection. \
             `listener`: names always count. You state that the listener admits no certificate that it has not \
             verified.",
        ),
    ],
    relations: &[
        Relation::RequiredIf { field: "trusted_relays", when: "source", value: "xfcc" },
        Relation::Only { fields: &["trusted_relays"], when: "source", values: &["xfcc"] },
    ],
};

/// `identity.trusted_relays[]`.
pub(super) static RELAY: Part = Part {
    id: "relay",
    title: "Relays",
    place: "`identity.trusted_relays[]`",
    meaning: "A credential of a proxy that forwards the certificates of its clients.",
    fields: &KINDS,
    relations: ONE_KIND,
};

/// `crls[]`.
pub(super) static CRL: Part = Part {
    id: "crl",
    title: "Revocation lists",
    place: "`crls[]`",
    meaning: "A certificate revocation list (RFC 5280). It is complete, of one issuer, and for all reasons.",
    fields: &[
        required("pem", Kind::Text(&CRL_TEXT), "The revocation list."),
        optional(
            "issuer_pem",
            Kind::Text(&CERTIFICATE_OR_CHAIN),
            "the signature is not checked",
            "The issuer's certificate. `certgate check` verifies the list's signature with it; the filter does not.",
        ),
        or_default(
            "strict",
            Kind::Boolean,
            "false",
            "`true` refuses all certificates of the issuer once the list's `nextUpdate` has passed. `false` keeps an \
             overdue list in use, and logs that it is overdue.",
        ),
    ],
    relations: &[],
};
