//! What is right in a registry but perhaps not meant.

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

/// Who has a certificate that expires within this many seconds wants to know.
const SOON: i64 = 30 * 86_400;

/// A sentence for each.
pub(super) fn warnings(policy: &Policy, now: UnixSeconds) -> Vec<String> {
    let registry = &policy.registry;
    let mut warnings = Vec::new();
    if policy.mode == Mode::Shadow {
        warnings.push("mode is shadow: every request is forwarded".to_owned());
    }
    let rules = policy.rules.rules().iter().flat_map(|rule| &*rule.limits);
    let mut limits = registry.tiers().iter().flat_map(|tier| &*tier.limits).chain(rules);
    if limits.any(|limit| limit.cost == Cost::Bytes) {
        warnings.push("limits of kind bytes need the module certgate-bandwidth.wasm".to_owned());
    }
    if !registry.shapes().is_empty() {
        warnings.push(format!("names in certificates count {}", policy.identity.chain));
    }
    let disabled = registry.clients().clients().filter(|client| !client.enabled);
    warnings.extend(disabled.map(|client| format!("client {} is disabled", client.alias)));
    warnings.extend(expiring(registry, now));
    for (place, list) in policy.revocation_lists.iter().enumerate() {
        if let Some(next) = list.next_update.filter(|_| list.is_overdue(now)) {
            warnings.push(format!("crls[{place}]: the next list is overdue since {}", rfc3339(next)));
        }
    }
    for (place, rule) in policy.rules.rules().iter().enumerate() {
        for (what, name) in nobodys(&rule.who.groups, registry, "group", |profile| &profile.groups).chain(nobodys(
            &rule.who.scopes,
            registry,
            "scope",
            |profile| &profile.scopes,
        )) {
            warnings.push(format!("rules[{place}]: no client has the {what} {name}"));
        }
    }
    warnings.extend(better_off_without(policy));
    warnings
}

/// Rules under which a client is stopped by limits, and nobody is who leaves the certificate at home.
fn better_off_without(policy: &Policy) -> impl Iterator<Item = String> {
    let tiers = policy.registry.tiers();
    let anonymous = policy.anonymous_tier.and_then(|tier| policy.registry.tier(tier)).map(|tier| &tier.limits[..]);
    let anonymous_is_free = !anonymous.is_some_and(enforced) && tiers.iter().any(|tier| enforced(&tier.limits));
    let rules = policy.rules.rules().iter().enumerate().filter(move |(_, rule)| {
        let own = rule.tier.is_some() || enforced(&rule.limits);
        rule.access == Access::Optional && anonymous_is_free && !own
    });
    rules.map(|(place, rule)| {
        let name = rule.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        format!(
            "rules[{place}]{name}: a client over its limits can call without its certificate, and no limit stops it: set \
             `anonymous_tier` to a tier with limits"
        )
    })
}

/// Whether any of these limits stops anybody.
fn enforced(limits: &[Limit]) -> bool {
    limits.iter().any(|limit| limit.mode == Mode::Enforce)
}

/// Credentials that stop counting soon, or have.
fn expiring(registry: &Registry, now: UnixSeconds) -> impl Iterator<Item = String> {
    let clients = registry.clients();
    let windows = (0..clients.credential_count()).map(CredentialIndex);
    let windows = windows.filter_map(|index| Some((index, clients.window(index)?)));
    clients.dates().chain(windows).filter_map(move |(index, validity)| {
        let credential = clients.credential(index).filter(|credential| !credential.revoked)?;
        let client = registry.client(credential.client)?.alias;
        let what = match validity.not_after.0.saturating_sub(now.0) {
            ..0 => "expired",
            0..=SOON => "expires soon",
            _ => return None,
        };
        let identifier = clients.identifier(index)?;
        let which = match identifier.kind.proves_itself() {
            true => format!("certificate {}", Fingerprint::new(identifier.digest)),
            false => format!("a credential by {}", identifier.kind.as_str()),
        };
        Some(format!("client {client}: {which} {what}, at {}", rfc3339(validity.not_after)))
    })
}

/// Names that a rule asks for and no client has.
fn nobodys<'n>(
    wanted: &'n [Name],
    registry: &'n Registry,
    what: &'static str,
    of: fn(&Profile) -> &[Name],
) -> impl Iterator<Item = (&'static str, &'n Name)> {
    let nobody = move |name: &&Name| !registry.profiles().iter().any(|profile| of(profile).contains(*name));
    wanted.iter().filter(nobody).map(move |name| (what, name))
}
