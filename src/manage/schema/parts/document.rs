//! The top level of a configuration, and `metrics`.

use super::clients::CLIENT;
use super::headers::HEADERS;
use super::identity::{CRL, IDENTITY};
use super::limits::TIER;
use super::rules::RULE;
use super::{MODE_VALUES, optional, or_default, required};
use crate::schema::table::{Kind, Part};
use crate::schema::text::{NAME, TIER_NAME};

/// The top level.
pub static DOCUMENT: Part = Part {
    id: "document",
    title: "Top level",
    place: "the whole document",
    meaning: "The configuration of certgate, an Envoy filter that authorizes requests by client certificates.",
    fields: &[
        required("version", Kind::Only("1"), "The version of the configuration's format. The only version is 1."),
        or_default(
            "mode",
            MODE_VALUES,
            "\"enforce\"",
            "`enforce` refuses a request that is not allowed. `shadow` decides, counts and logs every request, and \
             forwards all of them. A filter without a usable configuration answers 503 in both modes.",
        ),
        or_default(
            "tiers",
            Kind::Map { keys: &TIER_NAME, values: &Kind::Part(&TIER) },
            "{}",
            "The tiers, by name. Each client is in one tier.",
        )
        .such_as(&[r#"{"gold": {"limits": [{"name": "burst", "requests": 100, "per": "1s"}]}, "unlimited": {}}"#]),
        or_default(
            "clients",
            Kind::List { of: &Kind::Part(&CLIENT), least: 0, unique: false },
            "[]",
            "The clients that may call.",
        ),
        or_default(
            "rules",
            Kind::List { of: &Kind::Part(&RULE), least: 0, unique: false },
            "[]",
            "The rules. The first rule that matches a request decides about it. A request that no rule matches needs a \
             client.",
        ),
        optional(
            "anonymous_tier",
            Kind::Text(&NAME),
            "no limits",
            "The tier of callers without a certificate, where a rule has `access: optional`. All of these callers \
             share one set of buckets.",
        ),
        or_default("identity", Kind::Part(&IDENTITY), "{}", "The source of the client's certificate."),
        or_default(
            "crls",
            Kind::List { of: &Kind::Part(&CRL), least: 0, unique: false },
            "[]",
            "The certificate revocation lists.",
        ),
        or_default(
            "misdirected",
            Kind::Either(&[Kind::Only("421"), Kind::Only("\"off\""), Kind::Only("false")]),
            "\"off\"",
            "`421` refuses a request whose authority is not the server name (SNI) of its connection. Envoy knows the \
             server name only if the listener has a `tls_inspector`, as in the shipped files. A request without a \
             server name passes. `off` switches the check off. YAML reads `off` without quotes as `false`, which means \
             the same.",
        ),
        or_default("headers", Kind::Part(&HEADERS), "{}", "The request headers that tell upstreams who calls."),
        or_default(
            "rate_limit_headers",
            Kind::Choice(&["ietf", "legacy", "off"]),
            "\"ietf\"",
            "The response headers about limits. `ietf`: `RateLimit-Policy` and `RateLimit`. `legacy`: \
             `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset` (in seconds from now) of the limit \
             nearest to exhaustion. `off`: none; quote it in YAML. Every response with status 429 has `Retry-After`.",
        ),
        or_default(
            "filter_state",
            Kind::Choice(&["refusals", "always"]),
            "\"refusals\"",
            "The requests whose result certgate stores in Envoy's filter state, where access logs and later filters \
             read it. `refusals`: each request that does not pass, with `wasm.certgate.reason`, and with \
             `wasm.certgate.alias` and `wasm.certgate.tier` if they are known. `always`: each request, and with \
             `wasm.certgate.groups`, `wasm.certgate.cause` and `wasm.certgate.limits` too.",
        ),
        optional(
            "audit",
            Kind::Choice(&["rejections", "all"]),
            "samples of the requests that do not pass",
            "The requests that have a line in the audit log. `rejections`: each request that does not pass, and in \
             shadow mode each request that would not pass. `all`: each request.",
        ),
        or_default("metrics", Kind::Part(&METRICS), "{}", "The metrics."),
    ],
    relations: &[],
};

/// `metrics`.
pub(super) static METRICS: Part = Part {
    id: "metrics",
    title: "Metrics",
    place: "`metrics`",
    meaning: "The number of metric series.",
    fields: &[or_default(
        "clients",
        Kind::Integer(0, 100_000),
        "1000",
        "The number of clients that have metric series of their own, from the beginning of `clients`. The other \
         clients are counted together as `other`. As many credentials, the first to expire, have a gauge of their \
         expiry.",
    )],
    relations: &[],
};
