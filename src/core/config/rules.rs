//! `rules`. Names of clients and tiers are resolved after the whole configuration is read.

use super::capabilities::Capabilities;
use super::clients::names;
use super::conditions::{self, Conditions};
use super::error::{Errors, Problem};
use super::fields::{Fields, Located, Names};
use super::found::Found;
use super::limits::{self, Owner};
use super::node::Node;
use super::path::Path;
use super::tiers;
use crate::domain::client::{ClientIndex, Tier, TierIndex};
use crate::domain::limit::Limit;
use crate::domain::name::Name;
use crate::domain::route::RoutePattern;
use crate::domain::route::host::HostPattern;
use crate::domain::route::path_pattern::PathPattern;
use crate::domain::rules::{Access, OtherTier, Rule, Rules, Who};
use crate::domain::sorted;

const PATH: Path<'static> = Path::Key(&Path::Top, "rules");

const FIELDS: &[&str] = &[
    "name",
    "match",
    "access",
    "groups",
    "aliases",
    "tiers",
    "scopes",
    "uri_san",
    "dns_san",
    "subject",
    "issuer",
    "limits",
    "tier",
    "bound_token",
];

/// Fields that require a client: only rules with `access: require` may have them.
const ABOUT_CLIENTS: [&str; 9] =
    ["groups", "aliases", "tiers", "scopes", "uri_san", "dns_san", "subject", "issuer", "bound_token"];

/// Fields of limits: only rules that let requests through may have them.
const COUNTED: [&str; 2] = ["limits", "tier"];

const RULE: &str = "a map with `match`, `access` and conditions on the client";
const MATCH: &str = "a map with `hosts`, `path` and `methods`";
const ACCESS: &str = "`require`, `optional`, `public` or `deny`";
const METHODS: &str = "a list of methods in capitals, such as [GET, POST]";
const HOSTS: &str = "a list of hosts";
const NAME: &str = "the rule's name, which the buckets of its limits are stored under";
const REQUIRE: &str = "`access: require` beside it";
const LET_THROUGH: &str = "`access: require` or `optional` beside it";

/// The rules before their names are resolved.
#[derive(Default)]
pub(super) struct RawRules {
    rules: Vec<RawRule>,
    conditions: Conditions,
}

/// A rule before its names are resolved.
#[derive(Default)]
struct RawRule {
    rule: Rule,
    aliases: Vec<Name>,
    tiers: Vec<Name>,
    tier: Option<Name>,
}

/// The rules without errors.
pub(super) fn read(list: Located<'_>, capabilities: Capabilities, errors: &mut Errors) -> Option<RawRules> {
    if !list.is_list("a list of rules", errors) {
        return None;
    }
    let mut unique = Names::of(list.path);
    let mut conditions = Conditions::default();
    let rules = list
        .items()
        .enumerate()
        .map(|(place, item)| rule(item, place, capabilities, &mut unique, &mut conditions, errors));
    // A rule with errors keeps its place, so that indices are those of the list.
    let rules = rules.map(Option::unwrap_or_default).collect();
    Some(RawRules { rules, conditions })
}

fn rule(
    item: Located<'_>,
    place: usize,
    capabilities: Capabilities,
    unique: &mut Names<'_>,
    conditions: &mut Conditions,
    errors: &mut Errors,
) -> Option<RawRule> {
    const ACCESSES: &[(&str, Access)] = &[
        ("require", Access::Require),
        ("optional", Access::Optional),
        ("public", Access::Public),
        ("deny", Access::Deny),
    ];
    let fields = item.fields(FIELDS, RULE, errors)?;
    let name = fields.optional("name").map(|name| name.unique_name(unique, place, errors));
    let pattern =
        fields.optional("match").map_or_else(|| Some(RoutePattern::default()), |value| pattern(value, errors));
    let access = match fields.optional("access") {
        Some(access) => access.choice(ACCESSES, ACCESS, errors),
        None => Some(Access::Require),
    };
    if let Some(access) = access {
        report_useless(&fields, access, errors);
    }
    let mut list = |key| fields.optional(key).map_or(Some(Vec::new()), |list| some_names(list, errors));
    let (groups, aliases, tiers, scopes) = (list("groups"), list("aliases"), list("tiers"), list("scopes"));
    let conditions = conditions::read(&fields, conditions, errors);
    let tier = fields.optional("tier").map(|tier| tier.name(errors));
    let bound_token = fields.optional("bound_token").map_or(Some(false), |bound| bound.boolean(errors));
    let limits = limits(&fields, name.as_ref(), capabilities, errors);
    // Errors are reported; the rest is kept, so that its names are checked too.
    let who = Who {
        groups: groups.unwrap_or_default(),
        scopes: scopes.unwrap_or_default(),
        conditions: conditions.unwrap_or_default(),
        ..Who::default()
    };
    let rule = Rule {
        name: name.unwrap_or_default(),
        pattern: pattern.unwrap_or_default(),
        access: access.unwrap_or_default(),
        who,
        tier: None,
        limits: limits.unwrap_or_default().into(),
        bound_token: bound_token.unwrap_or_default(),
    };
    Some(RawRule {
        rule,
        aliases: aliases.unwrap_or_default(),
        tiers: tiers.unwrap_or_default(),
        tier: tier.unwrap_or_default(),
    })
}

/// A list of names that must not be empty: no client could match an empty one.
fn some_names(list: Located<'_>, errors: &mut Errors) -> Option<Vec<Name>> {
    match list.node {
        Node::List(items) if items.is_empty() => list.wrong("a list of one name or more", errors),
        _ => names(list, errors),
    }
}

/// Reports fields that have no effect with this access.
fn report_useless(fields: &Fields<'_>, access: Access, errors: &mut Errors) {
    let (useless, expected): (Vec<&str>, _) = match access {
        Access::Require => return,
        Access::Optional => (ABOUT_CLIENTS.to_vec(), REQUIRE),
        Access::Public | Access::Deny => (ABOUT_CLIENTS.into_iter().chain(COUNTED).collect(), LET_THROUGH),
    };
    for key in useless {
        if let Some(field) = fields.optional(key) {
            let expected = if COUNTED.contains(&key) { expected } else { REQUIRE };
            field.refuse(expected, errors);
        }
    }
}

fn limits(
    fields: &Fields<'_>,
    name: Option<&Option<Name>>,
    capabilities: Capabilities,
    errors: &mut Errors,
) -> Option<Vec<Limit>> {
    let counted = COUNTED.iter().any(|key| fields.optional(key).is_some());
    let owner = match name {
        Some(Some(name)) => Owner::Rule(name),
        // The error of the name is reported already.
        Some(None) => Owner::Tier,
        None if counted => {
            errors.push(&fields.path("name"), Problem::Value { expected: NAME, found: Found::Nothing });
            return None;
        }
        None => Owner::Tier,
    };
    fields.optional("limits").map_or(Some(Vec::new()), |list| limits::read(list, owner, capabilities, errors))
}

fn pattern(value: Located<'_>, errors: &mut Errors) -> Option<RoutePattern> {
    let fields = value.fields(&["hosts", "path", "methods"], MATCH, errors)?;
    let hosts = fields.optional("hosts").map_or(Some(Vec::new()), |hosts| {
        hosts.some(HOSTS, errors, |host, errors| {
            HostPattern::parse(host.text("a host", errors)?)
                .or_else(|expected| host.wrong(expected, errors).ok_or(()))
                .ok()
        })
    });
    let path = fields.optional("path").map_or(Some(None), |path| {
        PathPattern::parse(path.text("a path", errors)?).or_else(|expected| path.wrong(expected, errors).ok_or(())).ok()
    });
    let methods = fields.optional("methods").map_or(Some(Vec::new()), |methods| {
        methods.some(METHODS, errors, |method, errors| {
            let text = method.text(METHODS, errors)?;
            if limits::is_method(text) { Some(text.into()) } else { method.wrong(METHODS, errors) }
        })
    });
    Some(RoutePattern { hosts: hosts?, path: path?, methods: methods? })
}

impl RawRules {
    /// The aliases in the rules, in ascending order.
    pub(super) fn aliases(&self) -> Vec<Name> {
        let mut aliases = Vec::new();
        let named = self.rules.iter().flat_map(|rule| &rule.aliases);
        named.for_each(|alias| sorted::insert(&mut aliases, alias.clone()));
        aliases
    }

    /// The rules with their names resolved. `clients` has the indices of the clients in [`Self::aliases`].
    pub(super) fn resolve(self, tiers: &[Tier], clients: &[(Name, ClientIndex)], errors: &mut Errors) -> Rules {
        let Self { rules, conditions } = self;
        let resolved = rules.into_iter().enumerate().map(|(place, raw)| {
            let path = Path::Item(&PATH, place);
            let RawRule { mut rule, aliases, tiers: in_tiers, tier } = raw;
            report_shared_names(&rule, tiers, &path, errors);
            let named = each(&aliases, Path::Key(&path, "aliases"), |alias, path| {
                let client = clients.binary_search_by(|(known, _)| known.cmp(alias)).ok();
                if client.is_none() {
                    errors.push(path, Problem::NoSuchClient { alias: alias.clone() });
                }
                clients.get(client?).map(|(_, client)| *client)
            });
            named.into_iter().for_each(|client| sorted::insert(&mut rule.who.aliases, client));
            rule.who.tiers =
                each(&in_tiers, Path::Key(&path, "tiers"), |tier, path| resolve_tier(tier, tiers, path, errors));
            rule.tier = tier.zip(rule.name.clone()).and_then(|(tier, name)| {
                let index = resolve_tier(&tier, tiers, &Path::Key(&path, "tier"), errors)?;
                let limits = tiers.get(index.0)?.limits.iter().cloned();
                let limits =
                    limits.map(|limit| Limit { id: limits::id(Owner::Rule(&name), &limit.name, &limit.cost), ..limit });
                Some(OtherTier { tier: index, limits: limits.collect() })
            });
            rule
        });
        let resolved: Vec<_> = resolved.collect();
        let (conditions, shapes) = conditions.finish();
        Rules::new(resolved, conditions, shapes)
    }
}

fn each<T>(names: &[Name], list: Path<'_>, mut resolve: impl FnMut(&Name, &Path<'_>) -> Option<T>) -> Vec<T> {
    names.iter().enumerate().filter_map(|(place, name)| resolve(name, &Path::Item(&list, place))).collect()
}

/// The index of the tier with this name. Reports an unknown tier.
pub(super) fn resolve_tier(name: &Name, tiers: &[Tier], path: &Path<'_>, errors: &mut Errors) -> Option<TierIndex> {
    let found = tiers::find(tiers, name);
    if found.is_none() {
        let known = tiers.iter().map(|tier| tier.name.clone()).collect();
        errors.push(path, Problem::NoSuchTier { tier: name.clone(), known });
    }
    found
}

/// Reports limits of the rule whose name a limit of a tier has: replies and metrics could not tell them apart.
fn report_shared_names(rule: &Rule, tiers: &[Tier], path: &Path<'_>, errors: &mut Errors) {
    for (place, limit) in rule.limits.iter().enumerate() {
        let same = |tier: &&Tier| tier.limits.iter().any(|other| other.name == limit.name);
        if let Some(tier) = tiers.iter().find(same) {
            let first =
                Path::Key(&Path::Key(&Path::Key(&Path::Top, "tiers"), tier.name.as_str()), "limits").to_string();
            let limits = Path::Key(path, "limits");
            let name = Path::Item(&limits, place);
            errors.push(&Path::Key(&name, "name"), Problem::Duplicate { what: "a name", first });
        }
    }
}
