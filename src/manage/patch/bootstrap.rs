//! The parts of a bootstrap outside of listeners: Envoy's own name, and the labels of certgate's metrics.

use super::plan::{Plan, Spot};
use crate::diagnostic::code::Code;
use crate::edit::Edit;
use crate::path::Path;

/// Envoy's name and cluster, without which Envoy takes no configuration from files.
pub(super) fn node(plan: &mut Plan<'_>) {
    let Some(model) = plan.model.root().get("node").filter(|_| is_bootstrap(plan)) else { return };
    if !plan.ensure(&Path::default(), &plan.model.root(), "node") {
        return;
    }
    let Some(path) = plan.at(&Path::default()).and_then(|root| root.get("node")).map(|node| node.path) else { return };
    for field in ["id", "cluster"] {
        plan.ensure(&path, &model, field);
    }
}

/// The labels of certgate's metrics.
pub(super) fn stats_tags(plan: &mut Plan<'_>) {
    let root = Path::default();
    let model_root = plan.model.root();
    let Some(model) = model_root.get("stats_config").filter(|_| is_bootstrap(plan)) else { return };
    if !plan.ensure(&root, &model_root, "stats_config") {
        return;
    }
    let Some(config) = plan.at(&root).and_then(|root| root.get("stats_config")).map(|config| config.path) else {
        return;
    };
    if !plan.ensure(&config, &model, "stats_tags") {
        return;
    }
    for tag in model.list("stats_tags") {
        let Some(list) = plan.at(&config).and_then(|config| config.get("stats_tags")) else { return };
        let name = tag.text("tag_name");
        let (path, index) = (list.path.clone(), list.node.items().len());
        let known = list.items().find(|item| item.text("tag_name") == name);
        match known {
            Some(item) if item.text("regex") == tag.text("regex") => {}
            Some(item) => {
                let spot = Spot::of(&item);
                let name = name.unwrap_or_default();
                let message =
                    format!("the tag `{name}` is kept: certgate's metrics have their label `{name}` only by its own");
                plan.note(Code::Kept, &spot, message);
            }
            None => plan.make(Edit::Item { list: path, index, value: plan.model.of_item(tag.node) }),
        }
    }
}

/// Tells which parts a file of listeners has no place for.
pub(super) fn left_to_do(plan: &mut Plan<'_>) {
    if let Some(root) = plan.at(&Path::default()).filter(|_| !is_bootstrap(plan)) {
        let spot = Spot::of(&root);
        let message = "`node` and the `stats_tags` of certgate's metrics belong into the bootstrap: \
                       `certgate render envoy` prints one with both";
        plan.note(Code::LeftToDo, &spot, message);
    }
}

/// Whether the file is a bootstrap.
fn is_bootstrap(plan: &Plan<'_>) -> bool {
    plan.at(&Path::default()).is_some_and(|root| root.entry("static_resources").is_some())
}
