//! Envoy alone: the shipped files in `envoy/`, with a registry and paths of one's own. What stands there is said there, and
//! only what depends on the registry is put in its place.

use super::belt::Belt;
use super::layout::{replace, replace_after, scalar, without_head, yaml};
use super::rbac::rbac;
use super::registry::Registry;
use crate::domain::headers::{DEFAULT_ALIAS, DEFAULT_TIER, IdentityHeaders};
use serde_json::json;
use std::path::Path;

const INLINE: &str = include_str!("../../../envoy/envoy.yaml");
const WATCHING: &str = include_str!("../../../envoy/envoy-ecds.yaml");
const WATCHED: &str = include_str!("../../../envoy/registry-ecds.yaml");

const BOOTSTRAP_HEAD: &str = "\
# A whole Envoy with certgate in it, as `certgate render --to envoy` makes it from a registry. The listener, the
# clusters and the routes are examples: put your own in their place, and leave what stands round certgate.

";

const WATCHED_HEAD: &str = "\
# certgate's registry as a file that Envoy watches, as `certgate render --to ecds` makes it. Write a new one beside it
# and rename it over this one (`mv`): Envoy watches the folder for that. The bootstrap for it is what
# `certgate render --to envoy --watch THIS-FILE` prints; it has the belt, so render it again when rules or headers change.

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
    belt: &Belt,
    headers: &IdentityHeaders,
    paths: &Paths<'_>,
) -> Result<String, serde_saphyr::ser::Error> {
    let text = match paths.watch {
        None => with_registry(INLINE, registry)?,
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
    let mut text = with_module(&text, paths.module);
    for (shipped, path) in [
        ("target/demo/server.pem", paths.certificate),
        ("target/demo/server.key", paths.key),
        ("target/demo/ca.pem", paths.trusted_ca),
    ] {
        text = text.replace(shipped, &scalar(path));
    }
    text = with_names(&text, headers);
    let removed: Vec<_> = belt.removed.iter().map(|name| json!({"remove": name})).collect();
    text = replace(&text, "mutations:", false, &format!("mutations:\n{}", indented(&yaml(&removed)?)));
    let behind = match rbac(belt) {
        Some(filter) => {
            let filter = yaml(&json!([{"name": "envoy.filters.http.rbac", "typed_config": filter}]))?;
            let word = if belt.shadow {
                "# The belt, part two. The registry says `mode: shadow`, so it refuses nothing and only counts."
            } else {
                "# The belt, part two: what certgate let through has an alias, or needs none; nothing else gets through."
            };
            format!("{word}\n{filter}")
        }
        None => "# There is no second part of the belt: without an alias header (`headers.alias: null`) nothing tells that\n\
                 # certgate was skipped."
            .to_owned(),
    };
    text = replace(&text, "- name: envoy.filters.http.rbac", true, &behind);
    Ok(BOOTSTRAP_HEAD.to_owned() + without_head(&text))
}

/// The watched file.
pub(super) fn watched(registry: &Registry, module: &str) -> Result<String, serde_saphyr::ser::Error> {
    let text = with_module(&with_registry(WATCHED, registry)?, module);
    Ok(WATCHED_HEAD.to_owned() + without_head(&text))
}

fn with_registry(text: &str, registry: &Registry) -> Result<String, serde_saphyr::ser::Error> {
    let block = format!("value:\n{}", indented(&yaml(registry)?));
    Ok(replace_after(text, "google.protobuf.Struct", "value:", &block))
}

fn with_module(text: &str, module: &str) -> String {
    text.replace("target/certgate.wasm", &scalar(module))
}

/// Access log and routes, reading identity under the names under which it goes upstream.
fn with_names(text: &str, headers: &IdentityHeaders) -> String {
    let names = [(DEFAULT_ALIAS, &headers.alias), (DEFAULT_TIER, &headers.tier)];
    names.into_iter().fold(text.to_owned(), |text, (default, name)| {
        let name = name.as_deref().unwrap_or(default);
        text.replace(
            &format!("%REQ({})%", default.to_ascii_uppercase()),
            &format!("%REQ({})%", name.to_ascii_uppercase()),
        )
        .replace(&format!("headers: [{{name: {default},"), &format!("headers: [{{name: {},", scalar(name)))
    })
}

fn indented(block: &str) -> String {
    let lines: Vec<String> = block.lines().map(|line| format!("  {line}").trim_end().to_owned()).collect();
    lines.join("\n")
}
