//! What is measured.

use crate::bootstrap::{Certgate, Limit};
use crate::places::{at, made};
use std::path::PathBuf;

/// One thing that is measured.
#[derive(Debug)]
pub(crate) struct Subject {
    /// Its name in files.
    pub(crate) name: &'static str,
    /// What it is, for people.
    pub(crate) title: &'static str,
    /// Where it answers.
    pub(crate) port: u16,
    /// Where its configuration comes from.
    pub(crate) source: Source,
    /// What it must be seen doing before it is measured.
    pub(crate) duties: &'static [Duty],
    /// Who calls it.
    pub(crate) caller: Who,
    /// What it must answer to each measured request.
    pub(crate) status: u16,
}

/// Where a subject's configuration comes from.
#[derive(Debug)]
pub(crate) enum Source {
    /// tests/bench/peers has it.
    Peer,
    /// It is made from envoy/envoy.yaml.
    Shipped(Certgate),
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// The client that every registry knows.
    Partner,
    /// A client that no registry knows.
    Stranger,
}

/// A part of certgate's job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    /// A stranger is refused.
    Identify,
    /// An upstream is told who calls.
    Annotate,
    /// Nothing that a caller says about itself reaches an upstream.
    Strip,
    /// A client that has used up its bucket is refused.
    Throttle,
    /// A client is told what is left.
    Inform,
}

const JOB: &[Duty] = &[Duty::Identify, Duty::Annotate, Duty::Strip, Duty::Throttle];
const JOB_AND_HEADERS: &[Duty] = &[Duty::Identify, Duty::Annotate, Duty::Strip, Duty::Throttle, Duty::Inform];

/// What others are compared with.
pub(crate) const BARE: &str = "bare";
/// Whose cost counts.
pub(crate) const CERTGATE: &str = "certgate";
/// The least that a Wasm filter costs which makes its calls.
pub(crate) const FLOOR: &str = "floor";
/// What its cost is compared with, and the most that it may be of it.
pub(crate) const GOALS: [(&str, f64); 4] = [(FLOOR, 1.1), ("lua", 0.85), ("rbac", 1.9), (EXT_AUTHZ, 0.1)];
/// The one with a service of its own.
pub(crate) const EXT_AUTHZ: &str = "ext_authz";
/// Where that service answers.
pub(crate) const SERVICE_PORT: u16 = 18_460;

/// All of them.
pub(crate) fn all() -> Vec<Subject> {
    let peer = |name, port, title, duties| Subject {
        name,
        title,
        port,
        source: Source::Peer,
        duties,
        caller: Who::Partner,
        status: 200,
    };
    let certgate = |name, port, title, duties, shape| Subject {
        source: Source::Shipped(shape),
        ..peer(name, port, title, duties)
    };
    let lean = Certgate { response_headers: false, guard: false, surroundings: false, limit: Limit::Endless, rules: 0 };
    vec![
        peer(BARE, 18_440, "Envoy alone", &[]),
        peer("empty", 18_441, "an empty Wasm filter on the SDK", &[]),
        peer(FLOOR, 18_442, "the floor: certgate's host calls and nothing else", &[Duty::Annotate]),
        certgate(CERTGATE, 18_443, "certgate", JOB, lean),
        certgate(
            "certgate-headers",
            18_444,
            "certgate, rate-limit headers on responses",
            JOB_AND_HEADERS,
            Certgate { response_headers: true, ..lean },
        ),
        certgate("certgate-guard", 18_445, "certgate, native guard", JOB, Certgate { guard: true, ..lean }),
        certgate(
            "certgate-headers-guard",
            18_446,
            "certgate, rate-limit headers and native guard",
            JOB_AND_HEADERS,
            Certgate { response_headers: true, guard: true, ..lean },
        ),
        certgate(
            "certgate-shipped",
            18_447,
            "the same with the access log and the overload manager: as shipped",
            JOB_AND_HEADERS,
            Certgate { response_headers: true, guard: true, surroundings: true, ..lean },
        ),
        certgate("certgate-rules-10", 18_454, "certgate, by one of 10 rules", JOB, Certgate { rules: 10, ..lean }),
        certgate(
            "certgate-rules-1000",
            18_455,
            "certgate, by one of 1,000 rules",
            JOB,
            Certgate { rules: 1000, ..lean },
        ),
        peer(
            "rbac",
            18_448,
            "Envoy's RBAC and a local rate limit for each certificate",
            &[Duty::Identify, Duty::Throttle],
        ),
        peer("lua", 18_449, "the same job in Lua, and a local rate limit for each client", JOB),
        peer("lua-quick", 18_453, "the same with a quick look at header names first", JOB),
        peer(EXT_AUTHZ, 18_450, "the same job in a Rust service over gRPC (ext_authz)", JOB),
        Subject {
            caller: Who::Stranger,
            status: 403,
            ..certgate("refused-unknown", 18_451, "certgate refuses: unknown certificate (403)", &[], lean)
        },
        Subject {
            status: 429,
            ..certgate(
                "refused-drained",
                18_452,
                "certgate refuses: nothing left in the bucket (429)",
                &[],
                Certgate { limit: Limit::One, ..lean },
            )
        },
    ]
}

impl Subject {
    /// Where its configuration is.
    pub(crate) fn config(&self) -> PathBuf {
        let file = format!("{}.yaml", self.name);
        match self.source {
            Source::Peer => at("tests/bench/peers").join(file),
            Source::Shipped(_) => made(&file),
        }
    }
}
