//! One request, from evidence to decision: look, identify, check, throttle, annotate. Knows no proxy: what it needs of
//! one is in [`host`], and Envoy is only one that has it.

mod annotate;
mod dates;
#[cfg(not(target_family = "wasm"))]
pub mod fakes;
pub mod generation;
pub mod host;
mod identify;
pub mod journal;
mod look;
mod meter;
mod rate_limit;
pub mod reply;
pub mod swap;
mod throttle;
mod verdict;

use crate::domain::client::{Client, Tier};
use crate::domain::decision::Decision;
use crate::domain::headers::OwnedHeaders;
use crate::domain::limit::{Kind, Limit};
use crate::domain::mode::Mode;
use crate::domain::name::Name;
use crate::domain::policy::{Policy, RateLimitHeaders};
use crate::domain::registry::Entry;
use crate::domain::time::Nanos;
use dates::Dates;
use generation::Numbering;
use host::Host;
use identify::Caller;
use reply::{Protocol, Reply};
use std::sync::Arc;
use throttle::Draw;
use verdict::Verdict;

pub use meter::Meter;
pub use rate_limit::ResponseHeaders;

/// One policy in force, with everything prepared that requests need of it.
pub struct Engine {
    policy: Policy,
    numbering: Numbering,
    owned: OwnedHeaders,
    /// Where the clients' buckets lie in the store, but for their aliases.
    bucket_prefix: Box<str>,
    /// The value of `RateLimit-Policy`, by tier.
    rate_limit_policies: Vec<Arc<str>>,
    /// What is known of certificates' dates, by credential.
    dates: Vec<Dates>,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Outcome {
    /// It goes on.
    Forward(Forward),
    /// It is answered here.
    Reply(Reply),
}

/// What is still to be done for a request that goes on.
#[derive(Debug, Default)]
pub struct Forward {
    /// These headers go on its response.
    pub headers: Option<ResponseHeaders>,
    /// The bytes of both bodies are counted here.
    pub meter: Option<Meter>,
}

impl Engine {
    /// The engine for `policy`, whose buckets lie under `bucket_prefix` in the store.
    pub fn new(policy: Policy, numbering: Numbering, bucket_prefix: &str) -> Self {
        let registry = &policy.registry;
        let clients = registry.clients();
        let dates: Vec<_> = (0..clients.credential_count()).map(|_| Dates::default()).collect();
        for (credential, validity) in clients.dates() {
            if let Some(dates) = dates.get(credential.0) {
                dates.set(validity);
            }
        }
        Self {
            owned: OwnedHeaders::new(&policy.headers),
            bucket_prefix: bucket_prefix.into(),
            rate_limit_policies: registry.tiers().iter().map(|tier| rate_limit::policy(&tier.limits)).collect(),
            dates,
            numbering,
            policy,
        }
    }

    /// Where this client's buckets lie in the store.
    fn key(&self, client: &Client<'_>) -> String {
        [&self.bucket_prefix, client.alias].concat()
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Decides the request with these headers, changes them through `host`, and says what becomes of it.
    pub fn request<'h>(
        &self,
        host: &impl Host,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone,
    ) -> Outcome {
        let (look, stripped) = self.look(host, headers);
        let verdict = match stripped {
            Ok(()) => self.annotate(host, self.decide(host, look.method)),
            Err(_) => Verdict::Unsendable,
        };
        self.record(host, &verdict);
        self.outcome(look.protocol, verdict)
    }

    fn outcome(&self, protocol: Protocol, verdict: Verdict<'_>) -> Outcome {
        let enforced = self.policy.mode == Mode::Enforce;
        match verdict {
            Verdict::Allowed { caller, draw } => Outcome::Forward(Forward {
                headers: draw.as_ref().and_then(|draw| self.response_headers(&caller.entry, draw)),
                meter: draw.and_then(|draw| Self::meter(&caller.entry, draw)),
            }),
            Verdict::Throttled { caller, draw } if !enforced => {
                Outcome::Forward(Forward { headers: self.response_headers(&caller.entry, &draw), meter: None })
            }
            Verdict::Throttled { caller: Caller { entry, .. }, draw } => {
                let short = draw.short(&entry.tier.limits).map(|(_, limit)| limit);
                let fired: Vec<_> = short.filter(|limit| limit.mode == Mode::Enforce).collect();
                let headers = self.response_headers(&entry, &draw);
                let pairs = headers.as_ref().map(ResponseHeaders::pairs).unwrap_or_default();
                Outcome::Reply(reply::throttled(protocol, draw.take.wait, &fired, &pairs))
            }
            Verdict::Refused(_) if !enforced => Outcome::Forward(Forward::default()),
            Verdict::Refused(refusal) => Outcome::Reply(reply::refused(protocol, refusal.reason.decision())),
            Verdict::Unsendable => Outcome::Reply(reply::refused(protocol, Decision::Error)),
        }
    }

    fn response_headers(&self, entry: &Entry<'_>, draw: &Draw) -> Option<ResponseHeaders> {
        let limits = &entry.tier.limits;
        match self.policy.rate_limit_headers {
            RateLimitHeaders::Off => None,
            RateLimitHeaders::Legacy => ResponseHeaders::legacy(limits, draw),
            RateLimitHeaders::Ietf => {
                let policy = self.rate_limit_policies.get(entry.client.tier.0)?;
                Some(ResponseHeaders::ietf(policy, limits, draw))
            }
        }
    }

    /// The tier that lets the least through, for who has none yet.
    fn strictest_tier(&self) -> Option<&Name> {
        let strictness = |tier: &&Tier| {
            let enforced = tier.limits.iter().filter(|limit| limit.mode == Mode::Enforce);
            enforced.map(nanos_between_requests).max()
        };
        self.policy.registry.tiers().iter().max_by_key(strictness).map(|tier| &tier.name)
    }
}

/// How far apart a limit keeps requests in the long run.
fn nanos_between_requests(limit: &Limit) -> u64 {
    match limit.kind {
        Kind::TokenBucket(rate) => rate.span(1).0,
        Kind::Quota(quota) => {
            let window = quota.period.longest().saturating_mul(Nanos::PER_SECOND);
            window.checked_div(quota.requests.get()).unwrap_or(0)
        }
    }
}
