//! Authorization rules: the first rule that matches a request decides whether it needs a client, and which.

use super::cause::Cause;
use super::client::{ClientIndex, Profile, TierIndex};
use super::credential::{Identifier, Shape};
use super::limit::Limit;
use super::name::Name;
use super::route::{Found, Part, RoutePattern, Routes, Target};
use std::sync::Arc;

/// The index of a rule in [`Rules::rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleIndex(pub usize);

/// The index of a condition in [`Rules::conditions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConditionIndex(pub usize);

/// The identity that a request needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// The request needs a client.
    #[default]
    Require,
    /// The request needs a client, or has no certificate at all.
    Optional,
    /// Nothing: the caller is not identified.
    Public,
    /// The request never passes.
    Deny,
}

/// The clients that a rule admits: a client must satisfy every field. An empty field admits every client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// The client is in one of these groups.
    pub groups: Vec<Name>,
    /// The client is one of these, in ascending order.
    pub aliases: Vec<ClientIndex>,
    /// The client is in one of these tiers.
    pub tiers: Vec<TierIndex>,
    /// The client has all of these scopes.
    pub scopes: Vec<Name>,
    /// The client's certificate meets all of these conditions.
    pub conditions: Vec<ConditionIndex>,
}

impl Who {
    /// Security check: whether the rule admits the client with this profile. `meets` says which conditions its certificate
    /// meets.
    ///
    /// # Errors
    ///
    /// The cause, of the first field that the client does not satisfy.
    pub fn admits(
        &self,
        client: ClientIndex,
        profile: &Profile,
        meets: impl Fn(ConditionIndex) -> bool,
    ) -> Result<(), Cause> {
        let in_any = |wanted: &[Name], has: &[Name]| wanted.is_empty() || wanted.iter().any(|name| has.contains(name));
        if !in_any(&self.groups, &profile.groups) {
            Err(Cause::GroupMissing)
        } else if !self.aliases.is_empty() && self.aliases.binary_search(&client).is_err() {
            Err(Cause::AliasNotListed)
        } else if !self.tiers.is_empty() && !self.tiers.contains(&profile.tier) {
            Err(Cause::TierNotListed)
        } else if !self.scopes.iter().all(|scope| profile.scopes.contains(scope)) {
            Err(Cause::ScopeMissing)
        } else if !self.conditions.iter().all(|condition| meets(*condition)) {
            Err(Cause::ConditionNotMet)
        } else {
            Ok(())
        }
    }
}

/// The tier in which a rule counts every caller, with buckets of the rule's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherTier {
    /// The tier.
    pub tier: TierIndex,
    /// The limits of the tier.
    pub limits: Arc<[Limit]>,
}

/// One rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// The name in logs.
    pub name: Option<Name>,
    /// The requests to which the rule applies.
    pub pattern: RoutePattern,
    /// The identity that a request needs.
    pub access: Access,
    /// The clients that the rule admits.
    pub who: Who,
    /// The tier in which clients are counted instead of their own.
    pub tier: Option<OtherTier>,
    /// Limits beside those of the tier, for each client.
    pub limits: Arc<[Limit]>,
    /// Whether the request must have a token that is bound to its certificate (RFC 8705 section 3).
    pub bound_token: bool,
}

/// All rules of one configuration.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    routes: Routes,
    rules: Vec<Rule>,
    conditions: Vec<Condition>,
    shapes: Vec<Shape>,
}

/// Identifiers: a certificate meets the condition if it has one of them.
pub type Condition = Vec<Identifier>;

/// The rule that decides a request.
#[derive(Clone, Copy, Debug)]
pub enum Match<'r> {
    /// The first rule that matches.
    Rule(RuleIndex, &'r Rule),
    /// No rule matches.
    None,
    /// Unknown: servers read this part of the request differently. The rule is the first that asks for the part.
    Ambiguous(Part, RuleIndex),
}

impl Rules {
    /// The rules in their order, with all their conditions, and the shapes of the names in those.
    pub fn new(rules: Vec<Rule>, conditions: Vec<Condition>, shapes: Vec<Shape>) -> Self {
        let routes = Routes::new(rules.iter().map(|rule| &rule.pattern));
        Self { routes, rules, conditions, shapes }
    }

    /// The first rule that matches.
    pub fn find(&self, target: &Target<'_>) -> Match<'_> {
        if self.rules.is_empty() {
            return Match::None;
        }
        match self.routes.find(target) {
            Found::Rule(index) => {
                let index = RuleIndex(index);
                self.rule(index).map_or(Match::Ambiguous(Part::Path, index), |rule| Match::Rule(index, rule))
            }
            Found::Nothing => Match::None,
            Found::Ambiguous => {
                let (part, index) = self.routes.ambiguity(target);
                Match::Ambiguous(part, RuleIndex(index))
            }
        }
    }

    /// The rule at this index.
    pub fn rule(&self, RuleIndex(index): RuleIndex) -> Option<&Rule> {
        self.rules.get(index)
    }

    /// The rules, in their order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The conditions of all rules.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// The shapes of names in the conditions.
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }
}
