//! Which limits apply to a request, prepared for each tier under each rule that has limits of its own.

use super::rate_limit;
use crate::domain::client::TierIndex;
use crate::domain::cost::Cost;
use crate::domain::limit::{Kind, Limit};
use crate::domain::policy::Policy;
use crate::domain::rules::{Rule, RuleIndex};
use std::sync::Arc;

/// The limits that apply together: those of the tier, then those of the rule.
pub(super) struct Plan {
    pub(super) limits: Arc<[Limit]>,
    /// The value of `RateLimit-Policy`.
    pub(super) policy: Arc<str>,
    /// Whether any of them is a quota.
    pub(super) by_calendar: bool,
    /// Whether any of them counts bytes.
    pub(super) by_bytes: bool,
    /// Whether any of them warns before it is used up.
    pub(super) warns: bool,
}

impl Plan {
    fn of(limits: Vec<Limit>) -> Self {
        Self {
            policy: rate_limit::policy(&limits),
            by_calendar: limits.iter().any(|limit| matches!(limit.kind, Kind::Quota(_))),
            by_bytes: limits.iter().any(|limit| limit.cost == Cost::Bytes),
            warns: limits.iter().any(|limit| limit.warn_at.is_some()),
            limits: limits.into(),
        }
    }
}

/// Where a plan stands in [`Plans`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PlanIndex(usize);

/// All plans of a policy.
pub(super) struct Plans {
    /// One for each tier and one for callers without a tier, where no rule counts; the same for each rule that does.
    plans: Vec<Plan>,
    /// Where those of each rule begin.
    rules: Vec<usize>,
    tiers: usize,
}

impl Plans {
    /// Those of this policy.
    pub(super) fn of(policy: &Policy) -> Self {
        let tiers = policy.registry.tiers().len();
        let mut all = Self { plans: Vec::new(), rules: Vec::new(), tiers };
        all.push(policy, None);
        for rule in policy.rules.rules() {
            let counts = !rule.limits.is_empty() || rule.tier.is_some();
            all.rules.push(if counts { all.plans.len() } else { 0 });
            if counts {
                all.push(policy, Some(rule));
            }
        }
        all
    }

    fn push(&mut self, policy: &Policy, rule: Option<&Rule>) {
        let other = rule.and_then(|rule| rule.tier.as_ref()).map(|other| other.limits.as_slice());
        let own = policy.registry.tiers().iter().map(|tier| tier.limits.as_slice()).chain([&[][..]]);
        for own in own {
            let rule = rule.map_or(&[][..], |rule| &rule.limits);
            self.plans.push(Plan::of([other.unwrap_or(own), rule].concat()));
        }
    }

    /// Where the plan of a request stands that counts in this tier and that this rule decides.
    pub(super) fn find(&self, tier: Option<TierIndex>, rule: Option<RuleIndex>) -> PlanIndex {
        let start = rule.and_then(|rule| self.rules.get(rule.0)).copied().unwrap_or(0);
        PlanIndex(start.saturating_add(tier.map_or(self.tiers, |tier| tier.0)))
    }

    /// The plan at this place.
    pub(super) fn plan(&self, PlanIndex(index): PlanIndex) -> Option<&Plan> {
        self.plans.get(index)
    }
}
