//! The native guard: whether Envoy removes certgate's headers from requests, and whether an RBAC filter behind certgate
//! stops what certgate has not seen.

use super::finding::Report;
use super::permission::{implies, needs_client, needs_no_client};
use super::subject::{Around, Certgate};
use super::value::{has_text, is_true, json, names};
use crate::diagnostic::code::Code;
use crate::envoy_file::{HttpFilter, Place};
use crate::render::{EnvoyGuard, envoy_guard};
use certgate_core::config;
use certgate_core::domain::headers::DEFAULT_ALIAS;
use certgate_core::domain::mode::Mode;
use certgate_core::domain::policy::Policy;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const HELP: &str = "`certgate render envoy` prints the guard for the registry";

const SETS_ALIAS: &str =
    "this sets the alias header, for which the guard asks: every request passes the guard if Envoy skips certgate";

const SETS_ALIAS_HELP: &str = "leave this header to certgate";

/// The findings about the first part of the guard: headers that Envoy removes before any filter.
pub(super) fn check_headers<'f>(around: &Around<'f>, policy: Option<&Policy>, report: &mut Report<'_, 'f>) {
    let Some(EnvoyGuard { header_mutations, .. }) = policy.map(envoy_guard).or_else(default_guard) else { return };
    let manager = &around.manager.place;
    let extensions = manager.list("early_header_mutation_extensions");
    let configs = extensions.iter().filter_map(|extension| extension.get("typed_config"));
    let mutations: Vec<Place<'f>> = configs.flat_map(|config| config.list("mutations")).collect();
    let expected = header_mutations.iter().filter_map(|mutation| mutation.get("remove")?.as_str());
    let kept: Vec<&str> = expected.filter(|name| !mutations.iter().any(|mutation| removes(mutation, name))).collect();
    if !kept.is_empty() {
        let message = format!(
            "Envoy does not remove {} from requests, so an upstream takes a caller's word for certgate's if \
             Envoy skips certgate",
            kept.join(", ")
        );
        let help = format!("remove them in `early_header_mutation_extensions`: {HELP}");
        report.error(Code::HeadersNotRemoved, manager, message, help);
    }
    if let Some(Expected { alias, .. }) = Expected::of(policy) {
        let last = mutations.iter().rev().take_while(|mutation| !removes(mutation, &alias));
        for mutation in last.filter(|mutation| sets(mutation, &alias)) {
            report.error(Code::GuardTooWide, mutation, SETS_ALIAS, SETS_ALIAS_HELP);
        }
    }
    let regex = |mutation: &Value| {
        let regex = mutation.pointer("/remove_on_match/key_matcher/safe_regex/regex")?;
        regex.as_str().map(str::to_owned)
    };
    let alternatives = |mutations: &[Value]| -> BTreeSet<String> {
        let all = mutations.iter().filter_map(regex);
        all.flat_map(|regex| regex.split('|').map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let found = alternatives(&mutations.iter().map(|mutation| json(mutation.node)).collect::<Vec<_>>());
    let missing = alternatives(&header_mutations).difference(&found).count();
    if missing > 0 {
        let message = format!(
            "Envoy does not remove other spellings of {missing} of certgate's headers, such as \
             x_client_alias, which some upstreams read as the header itself",
        );
        let help = format!("remove them in `early_header_mutation_extensions`: {HELP}");
        report.warning(Code::LookAlikesNotRemoved, manager, message, help);
    }
}

/// The guard of a registry with the default headers.
fn default_guard() -> Option<EnvoyGuard> {
    config::read(br#"{"version": 1, "clients": []}"#).ok().as_ref().map(envoy_guard)
}

/// Whether a header mutation removes this header.
fn removes(mutation: &Place<'_>, name: &str) -> bool {
    let matcher = mutation.at(&["remove_on_match", "key_matcher"]);
    let matched = |field: &str| matcher.as_ref().and_then(|matcher| matcher.text(field)).map(str::to_ascii_lowercase);
    mutation.text("remove").is_some_and(|removed| removed.eq_ignore_ascii_case(name))
        || matched("exact").is_some_and(|exact| exact == name)
        || matched("prefix").is_some_and(|prefix| name.starts_with(&prefix))
}

/// The second part of the guard, as it should be.
pub(super) struct Expected {
    /// The header that certgate sets where it has identified a client.
    alias: String,
    /// The requests without a client that pass, each with its name; `None` if the registry is unknown.
    exceptions: Option<Vec<(String, Value)>>,
    /// Whether the guard only counts what it would refuse.
    shadow: bool,
}

impl Expected {
    /// `None` if this policy has no header that tells.
    pub(super) fn of(policy: Option<&Policy>) -> Option<Self> {
        let Some(policy) = policy else {
            return Some(Self { alias: DEFAULT_ALIAS.to_owned(), exceptions: None, shadow: false });
        };
        let alias = policy.headers.alias.as_deref()?.to_owned();
        let shadow = policy.mode == Mode::Shadow;
        let rbac = envoy_guard(policy).rbac?;
        let policies = rbac.get(if shadow { "shadow_rules" } else { "rules" })?.get("policies")?.as_object()?;
        let exceptions = policies.iter().filter(|(name, _)| *name != "identified");
        let permission = |policy: &Value| policy.pointer("/permissions/0").cloned();
        let exceptions = exceptions.filter_map(|(name, policy)| Some((name.clone(), permission(policy)?))).collect();
        Some(Self { alias, exceptions: Some(exceptions), shadow })
    }

    /// Whether every request passes without a client.
    fn admits_all(&self) -> bool {
        let any = json!({"any": true});
        self.exceptions.iter().flatten().any(|(_, permission)| *permission == any)
    }

    /// The first policy of these rules that lets through requests without a client that should not pass.
    pub(super) fn is_exceeded_by<'f>(&self, rules: &Place<'f>) -> Option<Place<'f>> {
        let exceptions = self.exceptions.as_ref()?;
        let policies = rules.get("policies")?;
        let fits = |permission: &Value| {
            needs_client(permission, &self.alias) || exceptions.iter().any(|(_, wide)| implies(permission, wide))
        };
        policies.entries().map(|(_, policy)| policy).find(|policy| {
            let [permissions, principals] = ["permissions", "principals"]
                .map(|key| policy.list(key).iter().map(|value| json(value.node)).collect::<Vec<_>>());
            let of_clients =
                !principals.is_empty() && principals.iter().all(|principal| needs_client(principal, &self.alias));
            !of_clients && !permissions.iter().all(fits)
        })
    }

    /// The names of what these rules refuse and should let through.
    fn refused_by(&self, rules: &Place<'_>) -> Vec<String> {
        let Some(exceptions) = &self.exceptions else { return Vec::new() };
        let any = json!({"any": true});
        let policies = rules.get("policies");
        let policies = policies.iter().flat_map(Place::entries).map(|(_, policy)| policy);
        let open = policies.filter(|policy| policy.list("principals").iter().any(|value| json(value.node) == any));
        let permissions: Vec<Value> =
            open.flat_map(|policy| policy.list("permissions")).map(|value| json(value.node)).collect();
        let identified = json!({"header": {"name": self.alias, "present_match": true}});
        let clients = ("requests with a client".to_owned(), identified);
        let expected = exceptions.iter().chain([&clients]);
        let refused = expected.filter(|(_, narrow)| !permissions.iter().any(|wide| implies(narrow, wide)));
        refused.map(|(name, _)| name.clone()).collect()
    }
}

/// Whether the configuration of an RBAC filter, or its rules, ask for what certgate sets. Rules that deny are a guard
/// if they deny requests without it.
pub(super) fn is_guard(config: &Place<'_>, expected: &Expected) -> bool {
    let rules = config.get("rules").unwrap_or_else(|| config.clone());
    match action(&rules) {
        "ALLOW" => has_text(config.node, &|text| names(text, &expected.alias) || text.starts_with("wasm.certgate.")),
        "DENY" => rules.walk().iter().any(|value| needs_no_client(&json(value.node), &expected.alias)),
        _ => false,
    }
}

fn action(rules: &Place<'_>) -> &'static str {
    rules.choice("action", &["ALLOW", "DENY", "LOG"]).unwrap_or("ALLOW")
}

/// The findings about the second part of the guard, and the names of the filters that it is.
pub(super) fn check_filters<'f>(
    filters: &[HttpFilter<'f>],
    certgate: &Certgate<'f>,
    policy: Option<&Policy>,
    report: &mut Report<'_, 'f>,
) -> Vec<&'f str> {
    let Some(expected) = Expected::of(policy) else { return Vec::new() };
    let behind = filters.iter().skip(certgate.index).skip(1).filter(|filter| !is_true(&filter.place, "disabled"));
    let configs = behind.filter(|filter| filter.message() == Some("RBAC"));
    let configs = configs.filter_map(|filter| Some((filter.name()?, filter.place.get("typed_config")?)));
    let guards: Vec<_> = configs.filter(|(_, config)| is_guard(config, &expected)).collect();
    let enforced: Vec<Place<'f>> = guards.iter().filter_map(|(_, config)| config.get("rules")).collect();
    match (guards.first(), enforced.first()) {
        _ if expected.shadow || expected.admits_all() => {}
        (None, _) => {
            let message = "no RBAC filter behind certgate asks for the alias header, so every request passes if Envoy \
                           skips certgate";
            report.error(Code::NoGuard, &certgate.filter.place, message, HELP);
        }
        // A `matcher` is in a form that is not compared.
        (Some((_, config)), None) if config.get("matcher").is_none() => {
            let message = "the guard has only `shadow_rules`: it stops no request if Envoy skips certgate";
            report.error(Code::GuardOnlyCounts, config, message, HELP);
        }
        _ => {}
    }
    check_fit(&enforced, &expected, report);
    check_between(filters, certgate, &guards, &expected, report);
    guards.iter().map(|(name, _)| *name).collect()
}

/// The findings about filters between certgate and its guard.
fn check_between<'f>(
    filters: &[HttpFilter<'f>],
    certgate: &Certgate<'f>,
    guards: &[(&'f str, Place<'f>)],
    expected: &Expected,
    report: &mut Report<'_, 'f>,
) {
    let is_guard = |filter: &&HttpFilter<'f>| guards.iter().any(|(name, _)| filter.name() == Some(name));
    let between = filters.iter().skip(certgate.index).skip(1).take_while(|filter| !is_guard(filter));
    let between = between.filter(|filter| !guards.is_empty() && filter.message() == Some("HeaderMutation"));
    let mutations = between.filter_map(|filter| filter.place.at(&["typed_config", "mutations"]));
    let mutations = mutations.flat_map(|mutations| mutations.list("request_mutations"));
    for mutation in mutations.filter(|mutation| sets(mutation, &expected.alias)) {
        report.error(Code::GuardTooWide, &mutation, SETS_ALIAS, SETS_ALIAS_HELP);
    }
}

/// Whether a mutation gives requests this header.
fn sets(mutation: &Place<'_>, header: &str) -> bool {
    let key = mutation.at(&["append", "header", "key"]);
    key.is_some_and(|key| key.node.as_str().is_some_and(|key| key.eq_ignore_ascii_case(header)))
}

/// The findings about rules of guards that do not fit the registry. A request passes if all guards let it through.
/// Rules that deny are in a form that is not compared.
fn check_fit<'f>(enforced: &[Place<'f>], expected: &Expected, report: &mut Report<'_, 'f>) {
    let (allowing, denying): (Vec<_>, Vec<_>) = enforced.iter().partition(|rules| action(rules) == "ALLOW");
    let wide: Option<Vec<_>> = allowing.iter().map(|rules| expected.is_exceeded_by(rules)).collect();
    let wide = wide.filter(|_| denying.is_empty());
    for policy in wide.into_iter().flatten() {
        let message = "the guard lets requests without a client through that the registry's rules do not let through";
        report.error(Code::GuardTooWide, &policy, message, HELP);
    }
    for rules in allowing {
        if expected.shadow {
            let message = "the guard refuses requests, and the registry is in `mode: shadow`, which forwards them all";
            report.warning(Code::GuardTooNarrow, rules, message, HELP);
            continue;
        }
        let refused = expected.refused_by(rules);
        if !refused.is_empty() {
            let message = format!("the guard refuses what the registry's rules let through: {}", refused.join(", "));
            report.warning(Code::GuardTooNarrow, rules, message, HELP);
        }
    }
}
