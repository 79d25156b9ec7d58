//! The files that an Envoy configuration takes parts of itself from: the configuration of a filter (ECDS), and secrets
//! (SDS). Must not read files.

use super::finding::Source;
use crate::envoy_file::{EnvoyFile, Place};
use crate::load::document::Document;
use std::collections::{BTreeMap, BTreeSet};

/// The files that were read.
#[derive(Clone, Copy)]
pub(super) struct Files<'f> {
    /// The linted file.
    pub(super) here: Source<'f>,
    /// The files that it names, by their paths in it.
    pub(super) named: &'f BTreeMap<String, Document<'f>>,
}

/// A value, and the file that it is in.
#[derive(Clone)]
pub(super) struct Located<'f> {
    pub(super) source: Source<'f>,
    pub(super) place: Place<'f>,
}

/// The paths of the files that this configuration takes filters and secrets from, as Envoy finds them.
pub fn named_files(envoy: &EnvoyFile<'_>) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    collect(&envoy.root(), &mut paths);
    paths
}

fn collect(value: &Place<'_>, paths: &mut BTreeSet<String>) {
    let sources = [value.at(&["config_discovery", "config_source"]), value.get("sds_config")];
    paths.extend(sources.iter().flatten().filter_map(path).map(str::to_owned));
    value.items().for_each(|item| collect(&item, paths));
    // A registry names no files of Envoy's, and may be large.
    let entries = value.entries().filter(|(key, _)| *key != "configuration");
    entries.for_each(|(_, value)| collect(&value, paths));
}

/// The path of the file that a `ConfigSource` names.
pub(super) fn path<'f>(source: &Place<'f>) -> Option<&'f str> {
    source.get("path_config_source").and_then(|path| path.text("path")).or_else(|| source.text("path"))
}

impl<'f> Files<'f> {
    /// The whole of each file.
    pub(super) fn all(&self) -> Vec<Located<'f>> {
        let named = self.named.iter().map(|(name, document)| Source { name: Some(name), document });
        let all = [self.here].into_iter().chain(named);
        all.map(|source| Located { source, place: Place::root(source.document.root()) }).collect()
    }

    /// The configuration that a file has for the filter of this name, by its `config_discovery`.
    pub(super) fn extension(&self, discovery: &Place<'f>, name: &str) -> Option<Located<'f>> {
        let Located { source, place } = self.resource(&discovery.get("config_source")?, name)?;
        Some(Located { source, place: place.get("typed_config")? })
    }

    /// The secret that a `SdsSecretConfig` names.
    pub(super) fn secret(&self, config: &Place<'f>) -> Option<Located<'f>> {
        self.resource(&config.get("sds_config")?, config.text("name")?)
    }

    /// The file that a `ConfigSource` names, if it was read.
    pub(super) fn file(&self, source: &Place<'f>) -> Option<Located<'f>> {
        let (name, document) = self.named.get_key_value(path(source)?)?;
        Some(Located { source: Source { name: Some(name), document }, place: Place::root(document.root()) })
    }

    fn resource(&self, source: &Place<'f>, name: &str) -> Option<Located<'f>> {
        let Located { source, place } = self.file(source)?;
        let place = place.list("resources").into_iter().find(|resource| resource.text("name") == Some(name))?;
        Some(Located { source, place })
    }
}
