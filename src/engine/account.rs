//! Whose buckets a request draws from, and which limits apply to it.

use super::Engine;
use super::plans::{Plan, PlanIndex};
use crate::domain::client::{ClientIndex, Tier, TierIndex};
use crate::domain::limit::Limit;
use crate::domain::rules::RuleIndex;

/// What a request is charged to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// The client; none: all that have none share one.
    pub(super) client: Option<ClientIndex>,
    /// The tier in which it counts.
    pub(super) tier: Option<TierIndex>,
    /// The rule that matched.
    pub(super) rule: Option<RuleIndex>,
    plan: PlanIndex,
}

impl Engine {
    /// The account of this client, or of nobody in particular, that counts in this tier under this rule.
    pub(super) fn account(
        &self,
        client: Option<ClientIndex>,
        tier: Option<TierIndex>,
        rule: Option<RuleIndex>,
    ) -> Account {
        Account { client, tier, rule, plan: self.plans.find(tier, rule) }
    }

    /// The limits that apply.
    pub(super) fn limits(&self, account: &Account) -> &[Limit] {
        self.plan(account).map_or(&[], |plan| &plan.limits)
    }

    /// The same, and what is said of them.
    pub(super) fn plan(&self, account: &Account) -> Option<&Plan> {
        self.plans.plan(account.plan)
    }

    /// The tier in which it counts.
    pub(super) fn tier(&self, account: &Account) -> Option<&Tier> {
        self.policy.registry.tier(account.tier?)
    }
}
