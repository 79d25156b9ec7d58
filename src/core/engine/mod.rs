//! One request, from evidence to decision: identify, check, authorize, charge. [`host`] and [`ledger`] have the ports to a
//! proxy; nothing here names one.

pub mod apply;
mod authorize;
mod decision;
mod edits;
mod header_policy;
pub mod host;
mod identity;
pub mod ledger;
mod limits;
pub mod reply;
mod request_head;
mod sni;
mod strictest_tier;
mod token;

pub use decision::{Decision, Forward, Outcome};
pub use edits::Edit;
pub use header_policy::strip;
pub use identity::{Identified, Observations, Unidentified};
pub use limits::{ByteCount, Charge, LimitBalance, ResponseHeaders, Uncharged, generation};
pub use request_head::RequestHead;

use crate::domain::cause::{Cause, Refusal};
use crate::domain::decision::Reason;
use crate::domain::headers::OwnedHeaders;
use crate::domain::name::Name;
use crate::domain::policy::Policy;
use crate::domain::route::Part;
use crate::domain::rules::{Access, Match};
use authorize::check_rule;
use generation::GenerationCounter;
use header_policy::HeaderPolicy;
use host::{Clock, Headers, HostFailure, Peer};
use identity::Identity;
use ledger::Ledger;
use limits::{Account, LimitPolicy};
use sni::check_sni;
use std::sync::Arc;
use strictest_tier::strictest_tier;

/// One policy, with everything prepared that requests need of it.
pub struct Engine {
    policy: Arc<Policy>,
    identity: Identity,
    limits: LimitPolicy,
    headers: HeaderPolicy,
    /// The tier that admits the fewest requests, which the log suggests for unknown certificates.
    strictest_tier: Option<Name>,
}

impl Engine {
    /// The engine for `policy`, which is the configuration with this generation.
    pub fn new(policy: Policy, generation: Arc<GenerationCounter>) -> Self {
        let policy = Arc::new(policy);
        Self {
            identity: Identity::new(Arc::clone(&policy)),
            limits: LimitPolicy::new(&policy, generation),
            headers: HeaderPolicy::new(&policy),
            strictest_tier: strictest_tier(policy.registry.tiers()).cloned(),
            policy,
        }
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The generation of its configuration, which outlives the engine where the configuration may come back.
    pub fn generation(&self) -> Arc<GenerationCounter> {
        Arc::clone(self.limits.generation())
    }

    /// The names of headers that only certgate may set, which a stream needs as long as trailers may come.
    pub fn owned(&self) -> Arc<OwnedHeaders> {
        Arc::clone(self.headers.owned())
    }

    /// The head of the request with these headers.
    pub fn read<'h>(&self, headers: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone) -> RequestHead<'h> {
        self.headers.read(headers)
    }

    /// Removes from the request the headers that only certgate may set.
    pub fn strip<'h>(
        &self,
        request: &impl Headers,
        head: &RequestHead<'_>,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone,
    ) -> Result<(), HostFailure> {
        self.headers.strip(request, head, headers)
    }

    /// Decides the request with this head. Changes nothing but the client's buckets in the ledger, and what the engine
    /// remembers of certificates.
    pub fn decide<'e>(
        &'e self,
        peer: &impl Peer,
        ledger: &impl Ledger,
        clock: &impl Clock,
        head: &'e RequestHead<'e>,
    ) -> Decision<'e> {
        let mut decision = Decision::allowed(&self.policy, head);
        decision.refusal = self.check(peer, ledger, clock, head, &mut decision).err();
        if self.headers.tells_contents()
            && decision.forwards_identity()
            && let Some(client) = &decision.client
        {
            // A client that is identified without its names needs no trust in them. If the host fails here, upstreams are
            // not told the contents.
            decision.tells_contents = self.identity.trusts_contents(peer, client).unwrap_or(false);
        }
        decision
    }

    /// The decision about a request that could not be stripped.
    pub fn unsendable<'e>(&'e self, head: &'e RequestHead<'e>) -> Decision<'e> {
        Decision::unsendable(&self.policy, head)
    }

    /// Finds the rule, identifies the caller, checks its credential and the rule, and charges the limits.
    fn check<'e>(
        &'e self,
        peer: &impl Peer,
        ledger: &impl Ledger,
        clock: &impl Clock,
        head: &RequestHead<'_>,
        decision: &mut Decision<'e>,
    ) -> Result<(), Refusal> {
        if self.policy.refuses_misdirected {
            check_sni(peer, head.target.authority)?;
        }
        let (index, rule) = match self.policy.rules.find(&head.target) {
            Match::Rule(index, rule) => (Some(index), Some(rule)),
            Match::None => (None, None),
            Match::Ambiguous(part, index) => {
                decision.rule_index = Some(index);
                return Err(match part {
                    Part::Host => Cause::HostAmbiguous.into(),
                    Part::Path => Cause::PathAmbiguous.into(),
                });
            }
        };
        decision.rule_index = index;
        let access = rule.map_or(Access::Require, |rule| rule.access);
        match access {
            Access::Public => return Ok(()),
            Access::Deny => return Err(Cause::RuleDenies.into()),
            Access::Require | Access::Optional => {}
        }
        let of_rule = rule.and_then(|rule| rule.tier.as_ref()).map(|other| other.tier);
        let Decision { client, observations, .. } = decision;
        match self.identity.identify(peer, clock, &head.xfcc, client, observations) {
            Ok(client) => decision.tier_index = Some(of_rule.unwrap_or(client.entry.profile.tier)),
            Err(Unidentified { refusal, .. })
                if refusal.reason == Reason::NoCertificate && access == Access::Optional =>
            {
                decision.tier_index = of_rule.or(self.policy.anonymous_tier);
            }
            Err(unidentified) => {
                let refusal = unidentified.refusal;
                decision.unidentified = Some(unidentified);
                let suggests = refusal.reason == Reason::UnknownCertificate;
                decision.suggested_tier = self.strictest_tier.as_ref().filter(|_| suggests);
                return Err(refusal);
            }
        }
        let now = clock.wall()?;
        let Decision { client, observations, .. } = decision;
        if let Some(client) = client {
            self.identity.check_credential(peer, clock, client, now, observations)?;
            if let Some(rule) = rule {
                check_rule(rule, &self.identity, peer, head, client, observations)?;
            }
        }
        let account = Account { alias: decision.alias(), tier: decision.tier_index, rule: index };
        let request = (head.target.method, now);
        self.limits.charge(ledger, clock, account, request, &mut decision.charge)?;
        match &decision.charge {
            Some(charge) if charge.is_denied() => Err(Cause::LimitUsedUp.into()),
            _ => Ok(()),
        }
    }
}
