//! The limits that apply to a request. One list is prepared for each tier and for each rule that has limits, and a request
//! has one of each: memory grows with the sum of tiers and rules and not with their product.

use super::response_headers;
use crate::domain::client::TierIndex;
use crate::domain::cost::Cost;
use crate::domain::limit::{Kind, Limit};
use crate::domain::limits::Limits;
use crate::domain::policy::Policy;
use crate::domain::rules::{Rule, RuleIndex};
use std::sync::Arc;

/// The limits of a tier or of a rule.
struct LimitList {
    limits: Arc<[Limit]>,
    /// The members of `RateLimit-Policy`.
    policy: Arc<str>,
    by_calendar: bool,
    by_bytes: bool,
    warns: bool,
}

impl LimitList {
    fn of(limits: &Arc<[Limit]>) -> Self {
        Self {
            policy: response_headers::policy(limits),
            by_calendar: limits.iter().any(|limit| matches!(limit.kind, Kind::Quota(_))),
            by_bytes: limits.iter().any(|limit| limit.cost == Cost::Bytes),
            warns: limits.iter().any(|limit| limit.warn_at.is_some()),
            limits: Arc::clone(limits),
        }
    }
}

/// The limits of one rule.
struct RuleLimits {
    own: LimitList,
    /// The limits of the tier in which the rule counts, in place of the client's tier.
    tier: Option<LimitList>,
}

/// The limits of a policy.
pub(super) struct LimitLists {
    tiers: Vec<LimitList>,
    /// By rule; `None` if the rule has no limits and no tier.
    rules: Vec<Option<Box<RuleLimits>>>,
    none: LimitList,
}

impl LimitLists {
    /// Prepares the limits of this policy.
    pub(super) fn of(policy: &Policy) -> Self {
        let of_rule = |rule: &Rule| {
            let counts = !rule.limits.is_empty() || rule.tier.is_some();
            counts.then(|| {
                let tier = rule.tier.as_ref().map(|other| LimitList::of(&other.limits));
                Box::new(RuleLimits { own: LimitList::of(&rule.limits), tier })
            })
        };
        Self {
            tiers: policy.registry.tiers().iter().map(|tier| LimitList::of(&tier.limits)).collect(),
            rules: policy.rules.rules().iter().map(of_rule).collect(),
            none: LimitList::of(&Arc::default()),
        }
    }

    /// The limits that apply to a request that counts in this tier and that this rule decides.
    pub(super) fn find(&self, tier: Option<TierIndex>, rule: Option<RuleIndex>) -> EffectiveLimits<'_> {
        let rule = rule.and_then(|rule| self.rules.get(rule.0)?.as_deref());
        let own = tier.and_then(|tier| self.tiers.get(tier.0)).unwrap_or(&self.none);
        EffectiveLimits {
            tier: rule.and_then(|rule| rule.tier.as_ref()).unwrap_or(own),
            rule: rule.map_or(&self.none, |rule| &rule.own),
        }
    }
}

/// The limits that apply to one request.
#[derive(Clone, Copy)]
pub(super) struct EffectiveLimits<'e> {
    tier: &'e LimitList,
    rule: &'e LimitList,
}

impl<'e> EffectiveLimits<'e> {
    /// The limits: those of the tier, then those of the rule.
    pub(super) fn limits(self) -> Limits<'e> {
        Limits::new(&self.tier.limits, &self.rule.limits)
    }

    /// The limits of the tier and of the rule, for a stream that outlives the engine.
    pub(super) fn shared(self) -> [Arc<[Limit]>; 2] {
        [&self.tier.limits, &self.rule.limits].map(Arc::clone)
    }

    /// The value of `RateLimit-Policy`.
    pub(super) fn policy(self) -> Arc<str> {
        match (self.tier.limits.is_empty(), self.rule.limits.is_empty()) {
            (_, true) => Arc::clone(&self.tier.policy),
            (true, false) => Arc::clone(&self.rule.policy),
            (false, false) => [&self.tier.policy, ", ", &self.rule.policy].concat().into(),
        }
    }

    /// Whether any limit is a quota.
    pub(super) fn by_calendar(self) -> bool {
        self.tier.by_calendar || self.rule.by_calendar
    }

    /// Whether any limit counts bytes.
    pub(super) fn by_bytes(self) -> bool {
        self.tier.by_bytes || self.rule.by_bytes
    }

    /// Whether any limit warns before it is used up.
    pub(super) fn warns(self) -> bool {
        self.tier.warns || self.rule.warns
    }
}
