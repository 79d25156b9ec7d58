//! An HTTP connection manager: what it takes from clients, how it spells requests, and its filters.

use super::plan::{Plan, Spot, shown};
use super::{PatchOptions, access_log, filters};
use crate::diagnostic::code::Code;
use crate::edit::{Edit, Fragment};
use crate::envoy_file::{Manager, Place};
use crate::load::tree::{Entry, Form, Node, Value};
use crate::path::Path;

/// Sees to it that certgate protects what this manager serves.
pub(super) fn protect(plan: &mut Plan<'_>, manager: &Path, options: &PatchOptions<'_>) {
    let Some(model) = plan.model.manager() else { return };
    bypasses(plan, manager);
    addresses(plan, manager, &model);
    client_certificates(plan, manager, &model);
    spelling(plan, manager, &model);
    underscores(plan, manager, &model);
    header_mutations(plan, manager, &model);
    filters::protect(plan, manager, options);
    hosts(plan, manager, &model);
    access_log::of_manager(plan, manager);
}

/// Errors about requests that certgate would not see.
fn bypasses(plan: &mut Plan<'_>, path: &Path) {
    let Some(place) = plan.at(path) else { return };
    let upgrades = place.list("upgrade_configs").into_iter().filter_map(|upgrade| upgrade.get("filters"));
    let upgrades: Vec<Spot> = upgrades.map(|filters| Spot::of(&filters)).collect();
    let overrides = Manager { place }.overrides().into_iter().filter(|(name, _)| *name == filters::NAME);
    let overrides: Vec<Spot> = overrides.map(|(_, place)| Spot::of(&place)).collect();
    for spot in upgrades {
        let message = "requests for this upgrade pass through these filters alone, and certgate does not see them";
        plan.error(Code::Bypass, &spot, message, "remove the list, so that the upgrade passes through `http_filters`");
    }
    for spot in overrides {
        let message = "certgate is set up for this route alone, and a route that disables it is open to everybody";
        plan.error(
            Code::Bypass,
            &spot,
            message,
            "remove it, and give the registry a rule with `access: public` for the route",
        );
    }
}

/// The peer's address is the client's, unless relays are in between.
fn addresses<'s>(plan: &mut Plan<'s>, manager: &Path, model: &Place<'s>) {
    const FIELD: &str = "use_remote_address";
    if plan.model.trusts_relays() {
        return;
    }
    let is_there = plan.ensure(manager, model, FIELD);
    let Some(place) = plan.at(manager) else { return };
    let (spot, is_set) = (Spot::of(&place.get(FIELD).unwrap_or(place.clone())), place.boolean(FIELD) == Some(true));
    if !is_there {
        let message = "`use_remote_address: true` is added: TLS ends here, so the peer is the client, and \
                       `x-forwarded-for` of a client is not believed";
        let spot = Spot::of(&place);
        plan.note(Code::Changed, &spot, message);
    } else if !is_set {
        let message = "this is kept: the address of a client in logs is what `x-forwarded-for` says";
        plan.note(Code::Kept, &spot, message);
    }
}

/// The word of others about client certificates (`x-forwarded-client-cert`).
fn client_certificates<'s>(plan: &mut Plan<'s>, manager: &Path, model: &Place<'s>) {
    const FIELD: &str = "forward_client_cert_details";
    if plan.model.trusts_relays() {
        let reason = "certgate reads whose requests the registry's `trusted_relays` forward";
        return plan.set(manager, model, FIELD, &["ALWAYS_FORWARD_ONLY"], reason);
    }
    let Some(place) = plan.at(manager).and_then(|manager| manager.get(FIELD)) else { return };
    let found = shown(place.node);
    let spot = Spot::of(&place);
    let safe = match place.node.as_str() {
        Some("SANITIZE" | "SANITIZE_SET") => return,
        Some("APPEND_FORWARD") => "SANITIZE_SET",
        _ => "SANITIZE",
    };
    let note = format!(
        "{found} becomes `{safe}`: a client could name another client's certificate in `x-forwarded-client-cert`"
    );
    plan.note(Code::Changed, &spot, note);
    plan.make(Edit::Value { at: spot.path, value: Fragment::of(Value::Text(safe.to_owned())) });
}

/// One spelling of each path and host.
fn spelling<'s>(plan: &mut Plan<'s>, manager: &Path, model: &Place<'s>) {
    let reason = "a path has to mean the same to certgate's rules, to routes and to upstreams";
    let unescaped = ["UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"];
    plan.set(manager, model, "normalize_path", &[], reason);
    plan.set(manager, model, "merge_slashes", &[], reason);
    plan.set(manager, model, "path_with_escaped_slashes_action", &unescaped, reason);
    let reason = "a host has to mean the same to certgate's rules and to virtual hosts";
    plan.set(manager, model, "strip_trailing_host_dot", &[], reason);
}

/// No header that an upstream reads as one of certgate's by an underscore.
fn underscores<'s>(plan: &mut Plan<'s>, manager: &Path, model: &Place<'s>) {
    const OPTIONS: &str = "common_http_protocol_options";
    const FIELD: &str = "headers_with_underscores_action";
    let Some(options) = model.get(OPTIONS) else { return };
    let Some(entry) = options.entry(FIELD) else { return };
    // The rendered options have other fields too, which certgate does not need.
    let value = Value::Map(vec![Entry::clone(entry)]);
    let node = Node { value, range: options.node.range.clone(), form: Form::Block };
    let value = Fragment { node, comment: Vec::new(), ..plan.model.of_item(options.node) };
    if !plan.ensure_value(manager, model, OPTIONS, value) {
        return;
    }
    let Some(path) = plan.at(manager).and_then(|manager| manager.get(OPTIONS)).map(|options| options.path) else {
        return;
    };
    let reason = "many an upstream reads `x_client_alias` as `x-client-alias`";
    plan.set(&path, &options, FIELD, &["DROP_HEADER"], reason);
}

/// The first part of the guard.
fn header_mutations<'s>(plan: &mut Plan<'s>, manager: &Path, model: &Place<'s>) {
    const FIELD: &str = "early_header_mutation_extensions";
    if !plan.ensure(manager, model, FIELD) {
        return;
    }
    let Some(extension) = model.list(FIELD).into_iter().next() else { return };
    let Some(list) = plan.at(manager).and_then(|manager| manager.get(FIELD)) else { return };
    let mutations = list.items().find_map(|item| item.at(&["typed_config", "mutations"]));
    let Some(mutations) = mutations else {
        let (path, index) = (list.path.clone(), list.node.items().len());
        return plan.make(Edit::Item { list: path, index, value: plan.model.of_item(extension.node) });
    };
    let path = mutations.path.clone();
    for mutation in extension.at(&["typed_config", "mutations"]).iter().flat_map(Place::items) {
        let Some(mutations) = plan.at(&path) else { return };
        let index = mutations.node.items().len();
        if !mutations.node.items().iter().any(|known| known.is_same(mutation.node)) {
            plan.make(Edit::Item { list: path.clone(), index, value: plan.model.of_item(mutation.node) });
        }
    }
}

/// Virtual hosts leave out the port, as certgate's rules do.
fn hosts<'s>(plan: &mut Plan<'s>, manager: &Path, model: &Place<'s>) {
    const FIELD: &str = "ignore_port_in_host_matching";
    let Some(place) = plan.at(manager) else { return };
    let (rds, spot) = (place.get("rds").or_else(|| place.get("scoped_routes")), Spot::of(&place));
    let rds = rds.map(|rds| Spot::of(&rds));
    let tables = Manager { place }.route_configs();
    let tables: Vec<(Path, Option<Spot>)> =
        tables.iter().map(|table| (table.path.clone(), domain_with_port(table))).collect();
    if tables.is_empty() {
        let message = "the routes are elsewhere: `ignore_port_in_host_matching: true` belongs into each route \
                       configuration, and no `typed_per_filter_config` there may name certgate";
        plan.note(Code::LeftToDo, &rds.unwrap_or(spot), message);
    }
    let Some(model) = model.get("route_config") else { return };
    for (path, with_port) in tables {
        match with_port {
            Some(spot) => {
                let message =
                    "this domain has a port, so `ignore_port_in_host_matching` is not set: no request would match it";
                plan.note(Code::Kept, &spot, message);
            }
            None => plan.set(&path, &model, FIELD, &[], "certgate's rules leave out the port of a host"),
        }
    }
}

/// The first domain of a route configuration's virtual hosts that has a port.
fn domain_with_port(table: &Place<'_>) -> Option<Spot> {
    let domains = table.list("virtual_hosts").into_iter().flat_map(|host| host.list("domains"));
    let has_port = |domain: &Place<'_>| {
        let port = domain.node.as_str().and_then(|domain| domain.rsplit_once(':'));
        port.is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
    };
    domains.into_iter().find(has_port).map(|domain| Spot::of(&domain))
}
