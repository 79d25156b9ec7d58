//! The account of a request: the client whose buckets it draws from, and the tier and the rule under which it counts.

use super::Engine;
use crate::domain::client::{ClientIndex, Tier, TierIndex};
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
}

impl Engine {
    /// The tier in which it counts.
    pub(super) fn tier(&self, account: &Account) -> Option<&Tier> {
        self.policy.registry.tier(account.tier?)
    }
}
