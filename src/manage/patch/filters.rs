//! The HTTP filters: certgate, and the second part of the guard right behind it.
//!
//! certgate stands before every filter that trusts its headers, spends something on a request or answers it. Three
//! kinds of filters stay before certgate: `cors`, since a browser's preflight request has no certificate; `jwt_authn`, if
//! the registry has `bound_token`, which reads the token that `jwt_authn` has verified; and `set_filter_state`, which
//! hands the peer certificate to certgate where Envoy has no property for it.

use super::PatchOptions;
use super::plan::{Plan, Spot};
use crate::diagnostic::code::Code;
use crate::edit::{Edit, Fragment};
use crate::envoy_file::{HttpFilter, Listener, Manager, Place};
use crate::load::tree::Value;
use crate::path::Path;

/// The name of certgate's filter, under which the watched file has its configuration.
pub(super) const NAME: &str = "certgate";

/// The name of the guard's filter where another filter has the rendered one.
const GUARD: &str = "certgate-guard";

/// Sees to it that certgate and the guard are among the filters.
pub(super) fn protect(plan: &mut Plan<'_>, manager: &Path, options: &PatchOptions<'_>) {
    let Some(place) = plan.at(manager) else { return };
    let spot = Spot::of(&place);
    let list = place.get("http_filters");
    let is_list = |place: &Place<'_>| matches!(place.node.value, Value::List(_));
    let odd = list.as_ref().filter(|list| !is_list(list) || list.items().any(|item| is_list(&item))).map(Spot::of);
    let list = list.map(|list| list.path);
    let is_router = |filter: &HttpFilter<'_>| filter.message() == Some("Router");
    let has_router = Manager { place }.http_filters().iter().any(is_router);
    let (Some(list), true) = (list, has_router) else {
        let message = "expected `http_filters` with a router, before which certgate stands";
        return plan.error(Code::NoHttp, &spot, message, "add the router");
    };
    if let Some(odd) = odd {
        return plan.not_a_list(&odd);
    }
    let Some(index) = certgate(plan, manager, &list, options) else { return };
    guard(plan, manager, &list, index);
}

/// The file from which a certgate that is there takes its configuration.
pub(super) fn watched(listener: &Listener<'_>) -> Option<String> {
    let managers = listener.filter_chains().into_iter().flat_map(|chain| chain.managers());
    let filters = managers.flat_map(|manager| manager.http_filters()).filter(HttpFilter::is_certgate);
    let mut sources = filters.filter_map(|filter| {
        filter.place.at(&["config_discovery", "config_source", "path_config_source"])?.text("path").map(str::to_owned)
    });
    sources.next()
}

fn filters<'p>(plan: &'p Plan<'_>, manager: &Path) -> Vec<HttpFilter<'p>> {
    plan.at(manager).map(|place| Manager { place }.http_filters()).unwrap_or_default()
}

/// The index at which certgate is, or has been put.
fn certgate(plan: &mut Plan<'_>, manager: &Path, list: &Path, options: &PatchOptions<'_>) -> Option<usize> {
    let filters = filters(plan, manager);
    if let Some(index) = filters.iter().position(HttpFilter::is_certgate) {
        let there = filters.get(index)?.place.clone();
        let before = filters.get(..index).unwrap_or_default();
        let early = before.iter().find(|filter| !stays_before(plan, filter)).map(|filter| Spot::of(&filter.place));
        let (path, spot) = (there.path.clone(), Spot::of(&there));
        let is_disabled = there.boolean("disabled") == Some(true);
        if let Some(early) = early {
            let message = "this filter stands before certgate, and sees requests that certgate has not checked";
            plan.note(Code::Kept, &early, message);
        }
        if is_disabled {
            let message = "certgate is there and disabled, so every request passes";
            plan.error(Code::Bypass, &spot, message, "remove `disabled`");
        }
        configuration(plan, &path, options);
        return Some(index);
    }
    if let Some(other) = filters.iter().find(|filter| filter.name() == Some(NAME)) {
        let spot = Spot::of(&other.place);
        let message =
            "another filter has the name `certgate`, under which the watched file has certgate's configuration";
        plan.error(Code::FilterConflict, &spot, message, "give it another name");
        return None;
    }
    let index = place_of(plan, &filters);
    let early = filters.get(..index).unwrap_or_default().iter().filter(|filter| !stays_before(plan, filter));
    let early: Vec<Spot> = early.map(|filter| Spot::of(&filter.place)).collect();
    let health =
        filters.iter().find(|filter| filter.message() == Some("HealthCheck")).map(|filter| Spot::of(&filter.place));
    for spot in early {
        let message = "this filter stays before certgate, which reads the tokens that `jwt_authn` verifies behind it";
        plan.note(Code::Kept, &spot, message);
    }
    if let Some(health) = health {
        let message =
            "health checks reach this filter through certgate: give the registry a rule with `access: public` for them";
        plan.note(Code::LeftToDo, &health, message);
    }
    let filter = plan.model.certgate()?;
    plan.adds_certgate = true;
    plan.make(Edit::Item { list: list.clone(), index, value: plan.model.of_item(filter.node) });
    Some(index)
}

/// The index for certgate among these filters.
fn place_of(plan: &Plan<'_>, filters: &[HttpFilter<'_>]) -> usize {
    let tokens = filters.iter().rposition(|filter| filter.message() == Some("JwtAuthentication"));
    match tokens.filter(|_| plan.model.asks_for_tokens()) {
        Some(tokens) => tokens.saturating_add(1),
        None => filters.iter().take_while(|filter| stays_before(plan, filter)).count(),
    }
}

/// Whether a filter is right before certgate.
fn stays_before(plan: &Plan<'_>, filter: &HttpFilter<'_>) -> bool {
    let config = filter.place.get("typed_config");
    let kind = config.as_ref().and_then(Place::kind).unwrap_or_default();
    match filter.message() {
        Some("Cors") => true,
        Some("Config") => kind.contains(".set_filter_state."),
        Some("JwtAuthentication") => plan.model.asks_for_tokens(),
        _ => false,
    }
}

/// The watched file of a certgate that is there already.
fn configuration(plan: &mut Plan<'_>, filter: &Path, options: &PatchOptions<'_>) {
    let Some(place) = plan.at(filter) else { return };
    let source = place.at(&["config_discovery", "config_source", "path_config_source"]);
    let Some(source) = source else {
        let spot = Spot::of(&place);
        let message = "certgate has its registry in this file: a change of it needs a restart, which refills all \
                       quotas; remove the filter and patch again to have the registry in a watched file";
        return plan.note(Code::Kept, &spot, message);
    };
    let path = source.path.clone();
    let Some(watch) = options.watch.filter(|watch| source.text("path") != Some(*watch)) else { return };
    let note = format!("the watched file becomes {watch}");
    let spot = Spot::of(&source);
    plan.note(Code::Changed, &spot, note);
    let model = plan.model.certgate();
    let model = model.and_then(|filter| filter.at(&["config_discovery", "config_source", "path_config_source"]));
    let Some(model) = model else { return };
    for field in ["path", "watched_directory"] {
        let Some(entry) = model.entry(field) else { continue };
        if plan.ensure(&path, &model, field) {
            let Some(at) = plan.at(&path).and_then(|source| source.get(field)).map(|place| place.path) else {
                continue;
            };
            plan.make(Edit::Value { at, value: plan.model.of_entry(entry) });
        }
    }
}

/// The guard behind certgate.
fn guard(plan: &mut Plan<'_>, manager: &Path, list: &Path, certgate: usize) {
    let filters = filters(plan, manager);
    let there = filters.iter().enumerate().find(|(_, filter)| filter.is_guard());
    let there = there.map(|(index, filter)| (index, filter.place.clone()));
    match (there, plan.model.guard()) {
        (Some((_, there)), None) => {
            let spot = Spot::of(&there);
            let message =
                "the guard asks for an alias header, which the registry no longer has (`headers.alias: null`)";
            plan.error(Code::FilterConflict, &spot, message, "remove the filter");
        }
        (Some((index, there)), Some(_)) if index < certgate => {
            let spot = Spot::of(&there);
            let message = "the guard stands before certgate, and refuses every client";
            plan.error(Code::FilterConflict, &spot, message, "move it behind certgate");
        }
        (Some((_, there)), Some(model)) => {
            let (Some(found), Some(entry)) = (there.get("typed_config"), model.entry("typed_config")) else { return };
            if !found.node.is_same(&entry.node) {
                let (spot, value) = (Spot::of(&found), plan.model.of_entry(entry));
                plan.note(Code::Changed, &spot, "the guard is made anew: it did not fit the registry's rules");
                plan.make(Edit::Value { at: spot.path, value });
            }
        }
        (None, Some(model)) => {
            let name = model.text("name").unwrap_or_default();
            let overrides = plan.at(manager).map(|place| Manager { place }.overrides()).unwrap_or_default();
            let is_taken = filters.iter().any(|filter| filter.name() == Some(name))
                || overrides.iter().any(|(overridden, _)| *overridden == name);
            let mut value = plan.model.of_item(model.node);
            if let (true, Value::Map(entries)) = (is_taken, &mut value.node.value) {
                let name = entries.iter_mut().find(|entry| entry.key == "name");
                name.into_iter().for_each(|entry| entry.node = Fragment::of(Value::Text(GUARD.to_owned())).node);
            }
            plan.make(Edit::Item { list: list.clone(), index: certgate.saturating_add(1), value });
        }
        (None, None) => {}
    }
}
