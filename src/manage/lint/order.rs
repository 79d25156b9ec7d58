//! The order of HTTP filters: certgate before all that decides on an identity, and behind all that it needs.

use super::finding::Report;
use super::subject::Certgate;
use super::value::{has_text, is_true, names};
use crate::diagnostic::code::Code;
use crate::envoy_file::{HttpFilter, Place};
use certgate_core::domain::headers::ALWAYS_OWNED;
use certgate_core::domain::policy::Policy;

/// Filters that answer with what an upstream has answered somebody else, or with files of their own.
const CACHES: [&str; 3] = ["cache", "cache_v2", "file_server"];

/// Filters that answer some requests by themselves. CORS is none of them: it answers preflight requests, which have no
/// certificate, and says nothing of the upstream's.
const REPLIES: [&str; 18] = [
    "admission_control",
    "api_key_auth",
    "basic_auth",
    "csrf",
    "dynamic_modules",
    "ext_authz",
    "ext_proc",
    "fault",
    "golang",
    "health_check",
    "jwt_authn",
    "local_ratelimit",
    "lua",
    "oauth2",
    "rate_limit_quota",
    "ratelimit",
    "rbac",
    "wasm",
];

/// The findings about the filters around certgate.
pub(super) fn check<'f>(
    filters: &[HttpFilter<'f>],
    certgate: &Certgate<'f>,
    policy: Option<&Policy>,
    report: &mut Report<'_, 'f>,
) {
    let has_tokens = policy.map(|policy| policy.rules.rules().iter().any(|rule| rule.bound_token));
    let before = filters.iter().take(certgate.index).filter(|filter| !is_true(&filter.place, "disabled"));
    let before: Vec<_> = before.map(|filter| &filter.place).collect();
    for filter in &before {
        check_before(filter, policy, has_tokens, report);
    }
    if has_tokens == Some(true) && !before.iter().any(|filter| verifies_tokens(filter)) {
        let message = "a rule has `bound_token`, and no jwt_authn before certgate keeps the payload of a token for it, \
                       so certgate refuses every request that the rule decides";
        let help = "put jwt_authn before certgate, with `payload_in_metadata: certgate`";
        report.error(Code::TokenOrder, &certgate.filter.place, message, help);
    }
}

fn check_before<'f>(
    filter: &Place<'f>,
    policy: Option<&Policy>,
    has_tokens: Option<bool>,
    report: &mut Report<'_, 'f>,
) {
    let Some(kind) = extension(filter) else { return };
    let name = filter.text("name").unwrap_or(kind);
    let help = "put the filter behind certgate and its guard";
    if CACHES.contains(&kind) {
        let message =
            format!("{name} answers requests before certgate is asked: what one client may read, all can read");
        report.error(Code::CacheBefore, filter, message, help);
    } else if let Some(header) = used_header(filter, kind, policy) {
        let message = format!("{name} uses {header} before certgate sets it: the value is the caller's, or absent");
        report.error(Code::IdentityBefore, filter, message, help);
    } else if REPLIES.contains(&kind) && !(kind == "jwt_authn" && has_tokens != Some(false)) {
        let message =
            format!("{name} may answer requests before certgate is asked: certgate neither counts nor logs them");
        report.warning(Code::ReplyBefore, filter, message, help);
    }
}

/// The kind of an HTTP filter of Envoy's own, such as `jwt_authn`, from the package of its message.
fn extension<'f>(filter: &Place<'f>) -> Option<&'f str> {
    let config = filter.get("typed_config");
    // A `TypedStruct` has the kind in `type_url`.
    let configured = config.and_then(|config| config.text("type_url").or_else(|| config.kind()));
    let discovered = || filter.get("config_discovery")?.list("type_urls").first()?.node.as_str();
    let (_, extension) = configured.or_else(discovered)?.split_once(".filters.http.")?;
    extension.split('.').next()
}

/// The first header of certgate's that the filter uses. A filter that removes headers does not use them.
fn used_header(filter: &Place<'_>, kind: &str, policy: Option<&Policy>) -> Option<String> {
    let config = filter.get("typed_config")?;
    let used: Vec<Place<'_>> = match kind {
        "header_mutation" => config.walk().iter().filter_map(|value| value.get("append")).collect(),
        _ => vec![config],
    };
    let own = policy.into_iter().flat_map(|policy| policy.headers.names());
    let mut headers = own.chain(ALWAYS_OWNED);
    let found = headers.find(|header| used.iter().any(|value| has_text(value.node, &|text| names(text, header))));
    found.map(str::to_owned)
}

/// Whether the filter is a jwt_authn that keeps payloads where certgate looks for them.
fn verifies_tokens(filter: &Place<'_>) -> bool {
    let providers = filter.at(&["typed_config", "providers"]);
    let mut providers = providers.iter().flat_map(Place::entries);
    extension(filter) == Some("jwt_authn")
        && providers.any(|(_, provider)| provider.text("payload_in_metadata") == Some("certgate"))
}
