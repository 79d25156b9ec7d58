//! Who may call what: the first rule that matches a request decides whether it needs a client, and which.

use super::client::{ClientIndex, Profile, TierIndex};
use super::credential::{Identifier, Shape};
use super::limit::Limit;
use super::name::Name;
use super::route::{Found, RoutePattern, Routes, Target};
use std::sync::Arc;

/// Where a rule stands in [`Rules::rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleIndex(pub usize);

/// Where a condition stands in [`Rules::conditions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConditionIndex(pub usize);

/// What a request needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// A client.
    #[default]
    Require,
    /// A client, or no certificate at all.
    Optional,
    /// Nothing: nobody is identified.
    Public,
    /// It never passes.
    Deny,
}

/// Which clients a rule admits: those that all of these admit. What is empty admits everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// Those in any of these groups.
    pub groups: Vec<Name>,
    /// These, in ascending order.
    pub aliases: Vec<ClientIndex>,
    /// Those in any of these tiers.
    pub tiers: Vec<TierIndex>,
    /// Those that are granted all of these scopes.
    pub scopes: Vec<Name>,
    /// Those whose certificate meets all of these.
    pub conditions: Vec<ConditionIndex>,
}

impl Who {
    /// Whether it admits this client with this profile, whose certificate meets what `meets` says.
    pub fn admits(&self, client: ClientIndex, profile: &Profile, meets: impl Fn(ConditionIndex) -> bool) -> bool {
        let any = |wanted: &[Name], has: &[Name]| wanted.is_empty() || wanted.iter().any(|name| has.contains(name));
        any(&self.groups, &profile.groups)
            && (self.aliases.is_empty() || self.aliases.binary_search(&client).is_ok())
            && (self.tiers.is_empty() || self.tiers.contains(&profile.tier))
            && self.scopes.iter().all(|scope| profile.scopes.contains(scope))
            && self.conditions.iter().all(|condition| meets(*condition))
    }
}

/// The tier in which a rule counts whoever calls, with buckets of the rule's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherTier {
    /// The tier.
    pub tier: TierIndex,
    /// Its limits.
    pub limits: Arc<[Limit]>,
}

/// One rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// What logs call it.
    pub name: Option<Name>,
    /// Which requests it is for.
    pub pattern: RoutePattern,
    /// What a request needs.
    pub access: Access,
    /// Which clients may.
    pub who: Who,
    /// In which tier they are counted, if not in their own.
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

/// A certificate meets it that answers to any of these.
pub type Condition = Vec<Identifier>;

/// Which rule decides about a request.
#[derive(Clone, Copy, Debug)]
pub enum Match<'r> {
    /// This one.
    Rule(RuleIndex, &'r Rule),
    /// None matches.
    None,
    /// Nobody can say, since its host or path can be read in more than one way.
    Ambiguous,
}

impl Rules {
    /// These rules in their order, all conditions that they have, and the shapes that these ask in.
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
                self.rules.get(index).map_or(Match::Ambiguous, |rule| Match::Rule(RuleIndex(index), rule))
            }
            Found::Nothing => Match::None,
            Found::Ambiguous => Match::Ambiguous,
        }
    }

    /// The rule at this place.
    pub fn rule(&self, RuleIndex(index): RuleIndex) -> Option<&Rule> {
        self.rules.get(index)
    }

    /// The rules, in their order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What certificates may have to meet.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// How the names in them are compared.
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }
}
