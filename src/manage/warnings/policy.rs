//! Warnings that follow from what a registry was compiled to: modes, dates, and rules that admit nobody.

use crate::diagnostic::Diagnostic;
use crate::diagnostic::code::Code;
use crate::load::Loaded;
use certgate_core::calendar::rfc3339;
use certgate_core::domain::client::Profile;
use certgate_core::domain::cost::Cost;
use certgate_core::domain::credential::CredentialIndex;
use certgate_core::domain::fingerprint::Fingerprint;
use certgate_core::domain::limit::Limit;
use certgate_core::domain::mode::Mode;
use certgate_core::domain::name::Name;
use certgate_core::domain::policy::Policy;
use certgate_core::domain::registry::Registry;
use certgate_core::domain::rules::Access;
use certgate_core::domain::time::UnixSeconds;

/// A credential that expires within this many seconds is warned of: 30 days.
const SOON: i64 = 30 * 86_400;

/// The warnings of this registry at this moment.
pub(super) fn warnings(registry: &Loaded<'_>, now: UnixSeconds) -> Vec<Diagnostic> {
    let Loaded { policy, document } = registry;
    let mut found = whole(policy);
    found.extend(disabled(&policy.registry));
    found.extend(expiring(&policy.registry, now));
    found.extend(overdue(policy, now));
    found.extend(unused_names(policy));
    found.extend(anonymous_unlimited(policy));
    found.into_iter().map(|warning| document.placed(warning)).collect()
}

/// A warning about the value at this path, whose place is found later.
fn warning(code: Code, path: impl Into<String>, message: impl Into<String>) -> Diagnostic {
    Diagnostic::warning(code, message).at(path, None)
}

/// Warnings about the whole of it.
fn whole(policy: &Policy) -> Vec<Diagnostic> {
    let registry = &policy.registry;
    let mut warnings = Vec::new();
    if policy.mode == Mode::Shadow {
        warnings.push(warning(Code::ShadowMode, "mode", "in mode shadow every request is forwarded"));
    }
    if counts_bytes(policy) {
        let message = "limits of kind bytes need the module certgate-bandwidth.wasm";
        warnings.push(warning(Code::NeedsBandwidthModule, "", message));
    }
    if !registry.shapes().is_empty() {
        let message = format!("names in certificates count {}", policy.identity.chain);
        warnings.push(warning(Code::NamesCount, "", message));
    }
    warnings
}

/// Whether a limit counts bytes, for which a module of its own is needed.
pub(crate) fn counts_bytes(policy: &Policy) -> bool {
    let rules = policy.rules.rules().iter().flat_map(|rule| &*rule.limits);
    let mut limits = policy.registry.tiers().iter().flat_map(|tier| &*tier.limits).chain(rules);
    limits.any(|limit| limit.cost == Cost::Bytes)
}

fn disabled(registry: &Registry) -> impl Iterator<Item = Diagnostic> {
    let clients = registry.clients().clients().enumerate().filter(|(_, client)| !client.enabled);
    clients.map(|(index, client)| {
        let message = format!("client {} is disabled", client.alias);
        warning(Code::DisabledClient, format!("clients[{index}].enabled"), message)
    })
}

/// Credentials that expire soon, or have expired.
fn expiring(registry: &Registry, now: UnixSeconds) -> impl Iterator<Item = Diagnostic> {
    let clients = registry.clients();
    let windows = (0..clients.credential_count()).map(CredentialIndex);
    let windows = windows.filter_map(|index| Some((index, clients.window(index)?)));
    clients.dates().chain(windows).filter_map(move |(index, validity)| {
        let credential = clients.credential(index).filter(|credential| !credential.revoked)?;
        let alias = registry.client(credential.client)?.alias;
        let (code, what) = match validity.not_after.0.saturating_sub(now.0) {
            ..0 => (Code::Expired, "expired"),
            0..=SOON => (Code::ExpiresSoon, "expires soon"),
            _ => return None,
        };
        let identifier = clients.identifier(index)?;
        let which = match identifier.kind.proves_itself() {
            true => format!("certificate {}", Fingerprint::new(identifier.digest)),
            false => format!("a credential by {}", identifier.kind.as_str()),
        };
        let message = format!("client {alias}: {which} {what}, at {}", rfc3339(validity.not_after));
        Some(warning(code, format!("clients[{}]", credential.client.0), message))
    })
}

fn overdue(policy: &Policy, now: UnixSeconds) -> impl Iterator<Item = Diagnostic> {
    policy.revocation_lists.iter().enumerate().filter_map(move |(index, list)| {
        let next = list.next_update.filter(|_| list.is_overdue(now))?;
        let message = format!("the next list is overdue since {}", rfc3339(next));
        Some(warning(Code::CrlOverdue, format!("crls[{index}]"), message))
    })
}

/// Groups and scopes that a rule asks for and no client has.
fn unused_names(policy: &Policy) -> impl Iterator<Item = Diagnostic> {
    let profiles = policy.registry.profiles();
    policy.rules.rules().iter().enumerate().flat_map(move |(index, rule)| {
        let unused = move |names: &'_ [Name], of: fn(&Profile) -> &[Name], code, what: &str| {
            let unused = names.iter().filter(|name| !profiles.iter().any(|profile| of(profile).contains(*name)));
            let message = |name| format!("no client has the {what} {name}");
            unused.map(|name| warning(code, format!("rules[{index}].{what}s"), message(name))).collect::<Vec<_>>()
        };
        let groups = unused(&rule.who.groups, |profile| &profile.groups, Code::UnusedGroup, "group");
        let scopes = unused(&rule.who.scopes, |profile| &profile.scopes, Code::UnusedScope, "scope");
        groups.into_iter().chain(scopes)
    })
}

/// Rules under which limits stop a client, and do not stop the same client without its certificate.
fn anonymous_unlimited(policy: &Policy) -> impl Iterator<Item = Diagnostic> {
    let tiers = policy.registry.tiers();
    let anonymous = policy.anonymous_tier.and_then(|tier| policy.registry.tier(tier)).map(|tier| &tier.limits[..]);
    let anonymous_is_free = !anonymous.is_some_and(enforced) && tiers.iter().any(|tier| enforced(&tier.limits));
    let rules = policy.rules.rules().iter().enumerate().filter(move |(_, rule)| {
        let own = rule.tier.is_some() || enforced(&rule.limits);
        rule.access == Access::Optional && anonymous_is_free && !own
    });
    rules.map(|(index, rule)| {
        let name = rule.name.as_ref().map(|name| format!("rule {name}: ")).unwrap_or_default();
        let message = format!("{name}a client over its limits can call without its certificate, and no limit stops it");
        warning(Code::AnonymousUnlimited, format!("rules[{index}]"), message)
            .mended_by("set `anonymous_tier` to a tier with limits")
    })
}

/// Whether any of these limits is enforced.
fn enforced(limits: &[Limit]) -> bool {
    limits.iter().any(|limit| limit.mode == Mode::Enforce)
}
