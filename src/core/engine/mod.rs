//! One request, from evidence to decision: look, identify, check, throttle, annotate. Knows no proxy: what it needs of
//! one is in [`host`], and Envoy is only one that has it.

mod account;
mod annotate;
mod authorize;
mod content;
mod dates;
mod effective_limits;
pub mod generation;
pub mod host;
mod identify;
pub mod ledger;
mod look;
mod meter;
mod misdirected;
mod presented;
mod rate_limit;
mod recent;
mod relay;
pub mod reply;
mod throttle;
mod token;
mod validity;
mod verdict;
mod vouch;
mod xfcc;

use crate::domain::client::Tier;
use crate::domain::decision::Reason;
use crate::domain::headers::OwnedHeaders;
use crate::domain::limit::{Kind, Limit};
use crate::domain::mode::Mode;
use crate::domain::name::Name;
use crate::domain::policy::{Policy, RateLimitHeaders};
use crate::domain::time::Nanos;
use content::Contents;
use dates::Dates;
use effective_limits::LimitLists;
use generation::Numbering;
use host::Host;
use reply::{Protocol, Reply};
use std::sync::Arc;
use throttle::Draw;
use verdict::{Case, Verdict};

pub use look::strip;
pub use meter::Meter;
pub use rate_limit::ResponseHeaders;

/// One policy in force, with everything prepared that requests need of it.
pub struct Engine {
    policy: Policy,
    numbering: Arc<Numbering>,
    owned: Arc<OwnedHeaders>,
    /// Which limits apply.
    limit_lists: LimitLists,
    /// What is known of certificates' dates, by credential.
    dates: Vec<Dates>,
    /// What is known of certificates' content.
    contents: Contents,
    /// Whether anything but identity hangs on what certificates say.
    reads_content: bool,
    /// Whether any rule has `bound_token`.
    binds_tokens: bool,
    /// The tier that lets the least through, for who has none yet.
    strictest_tier: Option<Name>,
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
    pub meter: Option<Box<Meter>>,
}

impl Engine {
    /// The engine for `policy`, which is the configuration with this number.
    pub fn new(policy: Policy, numbering: Arc<Numbering>) -> Self {
        let registry = &policy.registry;
        let clients = registry.clients();
        let dates: Vec<_> = (0..clients.credential_count()).map(|_| Dates::default()).collect();
        for (credential, validity) in clients.dates() {
            if let Some(dates) = dates.get(credential.0) {
                dates.set(validity);
            }
        }
        Self {
            owned: Arc::new(OwnedHeaders::new(&policy.headers)),
            limit_lists: LimitLists::of(&policy),
            dates,
            contents: Contents::default(),
            reads_content: policy.headers.say_content()
                || !policy.rules.conditions().is_empty()
                || !policy.revocation_lists.is_empty(),
            binds_tokens: policy.rules.rules().iter().any(|rule| rule.bound_token),
            strictest_tier: strictest_tier(policy.registry.tiers()).cloned(),
            numbering,
            policy,
        }
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Its configuration's number, which outlives it where the configuration may come back.
    pub fn numbering(&self) -> Arc<Numbering> {
        Arc::clone(&self.numbering)
    }

    /// The names of headers that only certgate may use, which a stream needs as long as trailers may come.
    pub fn owned(&self) -> Arc<OwnedHeaders> {
        Arc::clone(&self.owned)
    }

    /// Decides the request with these headers, changes them through `host`, and says what becomes of it.
    pub fn request<'h>(
        &self,
        host: &impl Host,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone,
    ) -> Outcome {
        let (look, stripped) = self.look(host, headers.clone());
        let mut case = Case::default();
        let mut verdict = match stripped {
            Ok(()) => self.decide(host, &look, &mut case),
            Err(_) => Verdict::Unsendable,
        };
        if self.annotate(host, &look, &case, verdict).is_err() {
            (case, verdict) = (Case::default(), Verdict::Unsendable);
        }
        self.record(host, &look, headers, &case, verdict);
        self.outcome(look.protocol, &case, verdict)
    }

    fn outcome(&self, protocol: Protocol, case: &Case<'_>, verdict: Verdict) -> Outcome {
        let enforced = self.policy.mode == Mode::Enforce;
        let draw = &case.draw;
        let headers = draw.as_ref().and_then(|draw| self.response_headers(draw));
        match verdict {
            Verdict::Allowed => {
                let meter = draw.as_ref().and_then(|draw| self.meter(case.alias(), draw));
                Outcome::Forward(Forward { headers, meter })
            }
            Verdict::Throttled | Verdict::Refused(_) if !enforced => Outcome::Forward(Forward { headers, meter: None }),
            Verdict::Throttled => {
                let fired: Vec<_> =
                    draw.iter().flat_map(Draw::short).filter(|limit| limit.mode == Mode::Enforce).collect();
                let wait = draw.as_ref().map_or(Nanos(0), |draw| draw.take.wait);
                let pairs = headers.as_ref().map(ResponseHeaders::pairs).unwrap_or_default();
                Outcome::Reply(reply::throttled(protocol, wait, &fired, &pairs))
            }
            Verdict::Refused(reason) => Outcome::Reply(reply::refused(protocol, reason)),
            Verdict::Unsendable => Outcome::Reply(reply::refused(protocol, Reason::Internal)),
        }
    }

    fn response_headers(&self, draw: &Draw<'_>) -> Option<ResponseHeaders> {
        match self.policy.rate_limit_headers {
            RateLimitHeaders::Off => None,
            RateLimitHeaders::Legacy => ResponseHeaders::legacy(draw),
            RateLimitHeaders::Ietf => Some(ResponseHeaders::ietf(draw)),
        }
    }
}

/// The tier that lets the least through.
fn strictest_tier(tiers: &[Tier]) -> Option<&Name> {
    let strictness = |tier: &&Tier| {
        let enforced = tier.limits.iter().filter(|limit| limit.mode == Mode::Enforce);
        enforced.map(nanos_between_requests).max()
    };
    tiers.iter().max_by_key(strictness).map(|tier| &tier.name)
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
