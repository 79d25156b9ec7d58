//! The places in which Wasm plugins keep their data. The `vm_id` names a space that plugins share, and the `root_id`
//! tells certgates in one space apart.

use super::files::{Files, Located};
use super::finding::Report;
use crate::diagnostic::code::Code;
use serde_json::Value;

/// A Wasm plugin of a file.
struct Plugin<'f> {
    located: Located<'f>,
    vm_id: &'f str,
    root_id: &'f str,
    is_certgate: bool,
}

impl<'f> Plugin<'f> {
    fn of(located: Located<'f>) -> Self {
        let config = &located.place;
        let vm_id = config.get("vm_config").and_then(|vm| vm.text("vm_id")).unwrap_or_default();
        let root_id = config.text("root_id").unwrap_or_default();
        let module = config.at(&["vm_config", "code", "local", "filename"]);
        let is_its_file = |path: &str| path.rsplit('/').next().is_some_and(|name| name.starts_with("certgate"));
        let value = config.at(&["configuration", "value"]);
        let is_certgate = root_id == "certgate"
            || module.is_some_and(|module| module.node.as_str().is_some_and(is_its_file))
            || value.is_some_and(|value| value.node.get("version").is_some() && value.node.get("clients").is_some());
        Self { vm_id, root_id, is_certgate, located }
    }

    fn configuration(&self) -> Option<Value> {
        serde_json::to_value(self.located.place.get("configuration")?.node).ok()
    }
}

/// The errors about plugins that share data and should not.
pub(super) fn check<'f>(files: Files<'f>, report: &mut Report<'_, 'f>) {
    let mut plugins = Vec::new();
    for file in files.all() {
        collect(&file, &mut plugins);
    }
    for (place, plugin) in plugins.iter().enumerate() {
        let earlier = plugins.iter().take(place).filter(|earlier| earlier.vm_id == plugin.vm_id);
        for other in earlier.filter(|earlier| earlier.is_certgate || plugin.is_certgate) {
            let (message, help) = match (other.is_certgate, plugin.is_certgate) {
                (true, true) if other.root_id != plugin.root_id => continue,
                (true, true) if other.configuration() == plugin.configuration() => continue,
                (true, true) => (
                    format!(
                        "two certgates with different registries have the same vm_id `{}` and root_id `{}`: the size \
                         of a limit that both have is that of the last one that was loaded",
                        plugin.vm_id, plugin.root_id
                    ),
                    "give each its own `root_id`",
                ),
                _ => (
                    format!(
                        "another plugin has certgate's vm_id `{}`, and can change what certgate has counted",
                        plugin.vm_id
                    ),
                    "give certgate a `vm_id` of its own",
                ),
            };
            report.about(plugin.located.source).error(Code::SharedVmId, &plugin.located.place, message, help);
            break;
        }
    }
}

/// The plugins of Wasm filters in a value.
fn collect<'f>(located: &Located<'f>, plugins: &mut Vec<Plugin<'f>>) {
    let Located { source, place } = located;
    let inside = |place| Located { source: *source, place };
    if place.message() == Some("Wasm") {
        plugins.extend(place.get("config").map(inside).map(Plugin::of));
        return;
    }
    place.items().for_each(|item| collect(&inside(item), plugins));
    place.entries().for_each(|(_, value)| collect(&inside(value), plugins));
}
