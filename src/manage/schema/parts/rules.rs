//! Rules.

use super::attributes::ATTRIBUTES;
use super::limits::LIMITS;
use super::{SOME_NAMES, optional, or_default};
use crate::schema::table::{Kind, Part, Relation};
use crate::schema::text::{DNS_PATTERN, HOST, METHOD, NAME, PATH, URI_PATTERN};

const fn some(of: &'static Kind) -> Kind {
    Kind::List { of, least: 1, unique: false }
}

/// `rules[]`.
pub(super) static RULE: Part = Part {
    id: "rule",
    title: "Rules",
    place: "`rules[]`",
    meaning: "A rule. A request that does not meet all conditions of its rule is refused (`rule_denied`).",
    fields: &[
        optional(
            "name",
            Kind::Text(&NAME),
            "none",
            "The name of the rule in logs, which no other rule has. The buckets of `limits` and `tier` are stored \
             under it.",
        )
        .such_as(&["\"payments\""]),
        or_default("match", Kind::Part(&MATCH), "{}", "The requests that the rule matches."),
        or_default(
            "access",
            Kind::Choice(&["require", "optional", "public", "deny"]),
            "\"require\"",
            "`require`: the request needs a client. `optional`: the request needs a client, or comes without a \
             certificate. A certificate that identifies no client is refused. `public`: the caller is not identified. \
             `deny`: the request is refused.",
        ),
        optional("groups", SOME_NAMES, "any", "The client is in one of these groups.").such_as(&["[\"finance\"]"]),
        optional("aliases", SOME_NAMES, "any", "The client is one of these clients.").such_as(&["[\"partner-a\"]"]),
        optional("tiers", SOME_NAMES, "any", "The client is in one of these tiers.").such_as(&["[\"gold\"]"]),
        optional("scopes", SOME_NAMES, "none needed", "The client is granted all of these scopes.")
            .such_as(&["[\"payments.write\"]"]),
        optional(
            "uri_san",
            some(&Kind::Text(&URI_PATTERN)),
            "any",
            "The only URI among the certificate's subject alternative names matches one of these patterns.",
        ),
        optional(
            "dns_san",
            some(&Kind::Text(&DNS_PATTERN)),
            "any",
            "A DNS name among the certificate's subject alternative names matches one of these patterns.",
        ),
        optional("subject", Kind::Part(&ATTRIBUTES), "any", "The certificate's subject has these attributes."),
        optional("issuer", Kind::Part(&ATTRIBUTES), "any", "The certificate's issuer has these attributes."),
        or_default(
            "bound_token",
            Kind::Boolean,
            "false",
            "`true`: the request has a token that is bound to the certificate (RFC 8705).",
        ),
        optional(
            "limits",
            LIMITS,
            "none",
            "Limits for each client, beside those of its tier. A request takes its cost from all of these limits, or \
             from none.",
        ),
        optional(
            "tier",
            Kind::Text(&NAME),
            "the client's own tier",
            "The tier of each client in requests that the rule matches, with buckets of the rule's own. Upstreams are \
             told this tier.",
        ),
    ],
    relations: &[
        Relation::Needs(&["limits", "tier"], "name"),
        Relation::Only {
            fields: &["groups", "aliases", "tiers", "scopes", "uri_san", "dns_san", "subject", "issuer", "bound_token"],
            when: "access",
            values: &["require"],
        },
        Relation::Only { fields: &["limits", "tier"], when: "access", values: &["require", "optional"] },
    ],
};

/// `rules[].match`.
pub(super) static MATCH: Part = Part {
    id: "match",
    title: "Requests that a rule matches",
    place: "`rules[].match`",
    meaning: "The hosts, paths and methods of requests. A request matches if it matches each of them.",
    fields: &[
        optional("hosts", some(&Kind::Text(&HOST)), "any", "The host of the request is one of these."),
        optional("path", Kind::Text(&PATH), "any", "The path of the request matches this pattern."),
        optional(
            "methods",
            some(&Kind::Text(&METHOD)),
            "any",
            "The method of the request is one of these. `HEAD` is another method than `GET`.",
        ),
    ],
    relations: &[],
};
