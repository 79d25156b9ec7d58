//! Tiers and their limits.

use super::{MODE_VALUES, optional, or_default, required};
use crate::schema::table::{Field, Kind, Part, Variants};
use crate::schema::text::{DURATION, NAME, SHARE};
use certgate_core::config::LARGEST_INTEGER;
use certgate_core::domain::rate::LARGEST_CAPACITY;

/// `tiers.NAME`.
pub(super) static TIER: Part = Part {
    id: "tier",
    title: "Tiers",
    place: "`tiers.NAME`",
    meaning: "A tier of clients. Each client of the tier has buckets of its own.",
    fields: &[or_default(
        "limits",
        LIMITS,
        "[]",
        "The limits. A request takes its cost from all limits, or from none if one of them refuses it. A tier without \
         limits is unlimited.",
    )],
    relations: &[],
};

/// A list of limits.
pub(super) const LIMITS: Kind = Kind::List { of: &Kind::Variants(&LIMIT), least: 0, unique: false };

/// A limit of any kind.
static LIMIT: Variants = Variants {
    id: "limit",
    title: "Limit",
    field: "kind",
    first: &TOKEN_BUCKET,
    others: &[("quota", &QUOTA), ("bytes", &BYTES)],
};

const PLACE: &str = "`tiers.NAME.limits[]`, `rules[].limits[]`";

const LIMIT_NAME: Field = required(
    "name",
    Kind::Text(&NAME),
    "The name of the limit in replies, headers and metrics. It is unique among the limits of its tier or rule. A limit \
     of a rule has a name that no limit of a tier has.",
);

const COSTS: Field = or_default(
    "cost",
    Kind::Costs,
    r#"{"default": 1}"#,
    "The cost of a request by its method, in capitals. `default` is the cost of every other method; without it, that \
     cost is 1. A request that costs 0 takes nothing, and this limit never refuses it. No cost is above the most that \
     the limit holds.",
)
.such_as(&[r#"{"POST": 5, "OPTIONS": 0, "default": 1}"#]);

const LIMIT_MODE: Field = or_default(
    "mode",
    MODE_VALUES,
    "\"enforce\"",
    "`enforce` refuses a request that the limit does not hold. A limit in mode `shadow` is counted and reported. It \
     never refuses a request, and takes nothing from a request that it does not hold.",
);

const WARN_AT: Field = optional(
    "warn_at",
    Kind::Text(&SHARE),
    "no warning",
    "The spent share of the limit from which on upstreams are warned in `x-client-limit-warning`.",
);

const fn kind_of(this: &'static str) -> Field {
    // Without the field, a limit is a token bucket: the schema of that part names all kinds for editors.
    let kind = match this.as_bytes() {
        b"token_bucket" => Kind::Choice(&["token_bucket", "quota", "bytes"]),
        b"quota" => Kind::Choice(&["quota"]),
        _ => Kind::Choice(&["bytes"]),
    };
    let meaning = "The kind of the limit. `token_bucket`: a rate of requests. `quota`: a number of requests in each \
                   hour, day or month of the calendar in UTC. `bytes`: a rate of bytes in both bodies.";
    match this.as_bytes() {
        b"token_bucket" => or_default("kind", kind, "\"token_bucket\"", meaning),
        _ => required("kind", kind, "The kind of the limit."),
    }
}

/// A limit with `kind: token_bucket`.
pub(super) static TOKEN_BUCKET: Part = Part {
    id: "token_bucket",
    title: "Token buckets",
    place: PLACE,
    meaning: "A limit of the rate of requests. Its bucket holds `burst` tokens, and `requests` tokens come back evenly \
              in the time `per`. The time between two tokens is a whole number of nanoseconds, rounded up. Rounding \
              changes the rate by no more than 0.1 %. An empty bucket is full again within ten years.",
    fields: &[
        LIMIT_NAME,
        kind_of("token_bucket"),
        required("requests", COUNT, "The number of requests in the time `per`.").such_as(&["100"]),
        required("per", Kind::Text(&DURATION), "The time of the rate: 100 ms to 366 days."),
        optional(
            "burst",
            BURST,
            "the value of `requests`",
            "The most requests at once. The largest burst is the largest number of a structured field (RFC 9651).",
        )
        .such_as(&["200"]),
        COSTS,
        LIMIT_MODE,
        WARN_AT,
    ],
    relations: &[],
};

/// A limit with `kind: quota`.
pub(super) static QUOTA: Part = Part {
    id: "quota",
    title: "Quotas",
    place: PLACE,
    meaning: "A limit of the number of requests in each window of the calendar in UTC.",
    fields: &[
        LIMIT_NAME,
        kind_of("quota"),
        required("requests", Kind::Integer(1, LARGEST_CAPACITY), "The number of requests in each window.")
            .such_as(&["1000000"]),
        required("per", Kind::Choice(&["hour", "day", "month"]), "The window."),
        or_default(
            "initial",
            Kind::Choice(&["full", "prorated"]),
            "\"full\"",
            "The quota in the window in which Envoy loaded its first configuration. `full`: all of it. `prorated`: the \
             share of the window that was left, rounded down.",
        ),
        COSTS,
        LIMIT_MODE,
        WARN_AT,
    ],
    relations: &[],
};

/// A limit with `kind: bytes`.
pub(super) static BYTES: Part = Part {
    id: "bytes",
    title: "Bandwidth",
    place: PLACE,
    meaning: "A limit of the rate of bytes in request and response bodies. It needs the module \
              `certgate-bandwidth.wasm`. A request needs one token to begin, and takes a token for each byte that \
              passes.",
    fields: &[
        LIMIT_NAME,
        kind_of("bytes"),
        required("bytes", COUNT, "The number of bytes in the time `per`.").such_as(&["10000000"]),
        required("per", Kind::Text(&DURATION), "The time of the rate: 100 ms to 366 days."),
        optional(
            "burst",
            BURST,
            "the value of `bytes`",
            "The most bytes at once. The largest burst is the largest number of a structured field (RFC 9651).",
        )
        .such_as(&["50000000"]),
        LIMIT_MODE,
        WARN_AT,
    ],
    relations: &[],
};

const COUNT: Kind = Kind::Integer(1, LARGEST_INTEGER.unsigned_abs());
const BURST: Kind = Kind::Integer(1, LARGEST_CAPACITY);

/// The cost of a request.
pub(in crate::schema) const COST: Kind = Kind::Integer(0, LARGEST_INTEGER.unsigned_abs());
