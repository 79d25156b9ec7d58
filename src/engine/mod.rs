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
mod rate_limit;
pub mod reply;
pub mod swap;
mod throttle;
mod verdict;

use crate::domain::bucket::Generation;
use crate::domain::headers::OwnedHeaders;
use crate::domain::policy::{Mode, Policy, RateLimitHeaders};
use crate::domain::registry::Entry;
use dates::Dates;
use host::Host;
use reply::{Protocol, Reply};
use std::sync::Arc;
use throttle::Draw;
use verdict::Verdict;

pub use rate_limit::ResponseHeaders;

/// One policy in force, with everything prepared that requests need of it.
pub struct Engine {
    policy: Policy,
    generation: Generation,
    owned: OwnedHeaders,
    /// Where the clients' buckets lie in the store, by client.
    keys: Vec<Box<str>>,
    /// The value of `RateLimit-Policy`, by tier.
    rate_limit_policies: Vec<Arc<str>>,
    /// What is known of certificates' dates, by credential.
    dates: Vec<Dates>,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Outcome {
    /// It goes on, and these headers go on its response.
    Forward(Option<ResponseHeaders>),
    /// It is answered here.
    Reply(Reply),
}

impl Engine {
    /// The engine for `policy`, whose buckets lie under `bucket_prefix` in the store.
    pub fn new(policy: Policy, generation: Generation, bucket_prefix: &str) -> Self {
        let registry = &policy.registry;
        let key = |alias: &str| [bucket_prefix, alias].concat().into_boxed_str();
        Self {
            owned: OwnedHeaders::new(&policy.headers),
            keys: registry.clients().iter().map(|client| key(client.alias.as_str())).collect(),
            rate_limit_policies: registry.tiers().iter().map(|tier| rate_limit::policy(&tier.limits)).collect(),
            dates: registry.credentials().iter().map(|credential| Dates::new(credential.validity)).collect(),
            generation,
            policy,
        }
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Decides the request with these headers, changes them through `host`, and says what becomes of it.
    pub fn request<'h>(&self, host: &impl Host, headers: impl Iterator<Item = (&'h [u8], &'h [u8])>) -> Outcome {
        let mut protocol = Protocol::Http;
        let headers = headers.inspect(|(name, value)| {
            if *name == b"content-type" {
                protocol = Protocol::of(value);
            }
        });
        let verdict = match self.strip(host, headers.map(|(name, _)| name)) {
            Ok(()) => self.annotate(host, self.decide(host)),
            Err(_) => Verdict::Unsendable,
        };
        self.record(host, &verdict);
        self.outcome(protocol, verdict)
    }

    fn outcome(&self, protocol: Protocol, verdict: Verdict<'_>) -> Outcome {
        let enforced = self.policy.mode == Mode::Enforce;
        match verdict {
            Verdict::Allowed { entry, draw } => {
                Outcome::Forward(draw.and_then(|draw| self.response_headers(&entry, &draw)))
            }
            Verdict::Throttled { entry, draw, .. } if !enforced => {
                Outcome::Forward(self.response_headers(&entry, &draw))
            }
            Verdict::Throttled { entry, draw, wait } => {
                let fired: Vec<_> = self.fired(&entry, &draw).map(|(_, limit)| limit).collect();
                let headers = self.response_headers(&entry, &draw);
                Outcome::Reply(reply::throttled(protocol, wait, &fired, headers.as_ref().map(ResponseHeaders::pairs)))
            }
            Verdict::Refused { .. } if !enforced => Outcome::Forward(None),
            Verdict::Refused { reason, .. } => Outcome::Reply(reply::refused(protocol, reason.decision())),
            Verdict::Unsendable => Outcome::Reply(reply::refused(protocol, Verdict::UNSENDABLE.decision())),
        }
    }

    fn response_headers(&self, entry: &Entry<'_>, draw: &Draw) -> Option<ResponseHeaders> {
        if self.policy.rate_limit_headers == RateLimitHeaders::Off {
            return None;
        }
        let limits = &entry.tier.limits;
        let balances = limits.iter().map(|limit| draw.buckets.balance(limit, draw.now, self.generation));
        let policy = self.rate_limit_policies.get(entry.tier_index.0)?;
        Some(ResponseHeaders::new(policy, limits, balances))
    }
}
