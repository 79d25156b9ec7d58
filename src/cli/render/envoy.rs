//! Envoy alone: the shipped files in `envoy/`, with a registry and paths of one's own. What stands there is said there, and
//! only what depends on the registry is put in its place.

use super::envoy_crl::EnvoyCrl;
use super::guard::Guard;
use super::header_mutations::header_mutations;
use super::layout::{indented, replace, replace_after, replace_all, scalar, without_head, yaml};
use super::rbac::rbac;
use super::registry::Registry;
use certgate_core::domain::headers::{DEFAULT_ALIAS, DEFAULT_TIER, IdentityHeaders};
use certgate_core::domain::identity::Source;
use certgate_core::domain::policy::Policy;
use serde_json::json;
use std::path::Path;

const INLINE: &str = include_str!("../../../envoy/envoy.yaml");
const WATCHING: &str = include_str!("../../../envoy/envoy-ecds.yaml");
const WATCHED: &str = include_str!("../../../envoy/registry-ecds.yaml");

/// The module's path in these.
const MODULE: &str = "target/certgate.wasm";

const BOOTSTRAP_HEAD: &str = "\
# A whole Envoy with certgate in it, as `certgate render --to envoy` makes it from a registry. The listener, the
# clusters and the routes are examples: put your own in their place, and leave what stands round certgate.

";

const WATCHED_HEAD: &str = "\
# certgate's registry as a file that Envoy watches, as `certgate render --to ecds` makes it. Write a new one beside it
# and rename it over this one (`mv`): Envoy watches the folder for that. The bootstrap for it is what
# `certgate render --to envoy --watch THIS-FILE` prints; it has the guard, so render it again when rules or headers change.

";

/// Files that Envoy reads.
pub(super) struct Paths<'a> {
    pub(super) module: &'a str,
    pub(super) certificate: &'a str,
    pub(super) key: &'a str,
    pub(super) trusted_ca: &'a str,
    /// The file with the registry, if it has one of its own.
    pub(super) watch: Option<&'a str>,
}

/// A bootstrap.
pub(super) fn bootstrap(
    registry: &Registry,
    guard: &Guard,
    policy: &Policy,
    paths: &Paths<'_>,
    envoy_crl: Option<&EnvoyCrl>,
) -> Result<String, serde_saphyr::ser::Error> {
    let text = match paths.watch {
        None => INLINE.to_owned(),
        Some(file) => {
            let folder = Path::new(file).parent().and_then(Path::to_str).filter(|folder| !folder.is_empty());
            let text = replace(WATCHING, "path: envoy/", false, &format!("path: {}", scalar(file)));
            replace(
                &text,
                "watched_directory: ",
                false,
                &format!("watched_directory: {{path: {}}}", scalar(folder.unwrap_or("."))),
            )
        }
    };
    let text = with_names(&with_paths(&text, paths), &policy.headers);
    let text = with_relays(text, &policy.identity.source);
    let text = with_public_route(text, guard.shadow, &policy.headers);
    let text = match envoy_crl {
        Some(lists) => with_crl(&text, paths, lists),
        None => text,
    };
    let mutations = indented(&yaml(&header_mutations(guard))?);
    let text = replace(&text, "mutations:", false, &format!("mutations:\n{mutations}"));
    let behind = match rbac(guard) {
        Some(filter) => {
            let filter = yaml(&json!([{"name": "envoy.filters.http.rbac", "typed_config": filter}]))?;
            let word = if guard.shadow {
                "# The guard, part two. The registry says `mode: shadow`, so it refuses nothing and only counts."
            } else {
                "# The guard, part two: what certgate let through has an alias, or needs none; nothing else gets through."
            };
            format!("{word}\n{filter}")
        }
        None => "# There is no second part of the guard: without an alias header (`headers.alias: null`) nothing tells that\n\
                 # certgate was skipped."
            .to_owned(),
    };
    let text = replace(&text, "- name: envoy.filters.http.rbac", true, &behind);
    // Last, since anything can stand in it.
    let text = if paths.watch.is_none() { with_registry(&text, registry)? } else { text };
    Ok(BOOTSTRAP_HEAD.to_owned() + without_head(&text))
}

/// The watched file.
pub(super) fn watched(registry: &Registry, module: &str) -> Result<String, serde_saphyr::ser::Error> {
    let text = with_registry(&replace_all(WATCHED, &[(MODULE, &scalar(module))]), registry)?;
    Ok(WATCHED_HEAD.to_owned() + without_head(&text))
}

fn with_registry(text: &str, registry: &Registry) -> Result<String, serde_saphyr::ser::Error> {
    let block = format!("value:\n{}", indented(&yaml(registry)?));
    Ok(replace_after(text, "google.protobuf.Struct", "value:", &block))
}

fn with_paths(text: &str, paths: &Paths<'_>) -> String {
    let [module, certificate, key, trusted_ca] =
        [paths.module, paths.certificate, paths.key, paths.trusted_ca].map(scalar);
    let pairs = [
        (MODULE, module.as_str()),
        ("target/demo/server.pem", &certificate),
        ("target/demo/server.key", &key),
        ("target/demo/ca.pem", &trusted_ca),
    ];
    replace_all(text, &pairs)
}

/// The lists beside the authorities that they belong to.
fn with_crl(text: &str, paths: &Paths<'_>, lists: &EnvoyCrl) -> String {
    let authorities = format!("trusted_ca: {{filename: {}}}", scalar(paths.trusted_ca));
    let pem = indented(&indented(&lists.pem));
    let comment =
        "# The registry's revocation lists. Envoy refuses a client whose authority has none, or an overdue one.";
    replace(text, "trusted_ca: ", false, &format!("{authorities}\n{comment}\ncrl:\n  inline_string: |\n{pem}"))
}

/// Access log, traces and routes, reading identity under the names under which it goes upstream.
fn with_names(text: &str, headers: &IdentityHeaders) -> String {
    let names = [(DEFAULT_ALIAS, &headers.alias), (DEFAULT_TIER, &headers.tier)];
    let pairs = names.map(|(default, name)| {
        let name = name.as_deref().unwrap_or(default);
        let command = |name: &str| format!("%REQ({})%", name.to_ascii_uppercase());
        let field = |name: &str| format!("{{name: {}", scalar(name));
        [(command(default), command(name)), (field(default), field(name))]
    });
    let pairs: Vec<_> = pairs.iter().flatten().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    replace_all(text, &pairs)
}

/// The route of requests without a client, where an alias tells them from others: not in shadow mode, in which requests
/// pass that certgate will refuse.
fn with_public_route(text: String, shadow: bool, headers: &IdentityHeaders) -> String {
    if shadow || headers.alias.is_none() { replace(&text, "- name: public", true, "") } else { text }
}

/// What relays say of their callers gets as far as certgate, if it is to believe any.
fn with_relays(text: String, source: &Source) -> String {
    match source {
        Source::Connection => text,
        Source::Xfcc(_) => {
            let block = "# But relays say here whose request they pass on, and certgate believes those that the registry trusts.\n\
                         forward_client_cert_details: FORWARD_ONLY";
            replace(&text, "forward_client_cert_details:", false, block)
        }
    }
}
