//! Rules by host: a tree of labels, read from the last one.

use super::host::HostPattern;
use super::methods::{Methods, NO_RULE};
use super::path_pattern::PathPattern;
use super::path_tree::PathTree;
use std::collections::BTreeMap;

/// The rules of the hosts that end in the same labels. At the top these are none: below it are all hosts.
#[derive(Clone, Debug, Default)]
pub(super) struct HostTree {
    /// Of the host that has no labels before these.
    host: HostRules,
    /// Of those that do.
    below: HostRules,
    labels: BTreeMap<Box<[u8]>, HostTree>,
}

/// The rules that have one host pattern.
#[derive(Clone, Debug)]
pub(super) struct HostRules {
    /// Those for any path.
    pub(super) without_path: Methods,
    /// The others.
    pub(super) paths: PathTree,
    /// The first of the others.
    pub(super) first_with_path: usize,
}

impl Default for HostRules {
    /// No rules.
    fn default() -> Self {
        Self { without_path: Methods::default(), paths: PathTree::default(), first_with_path: NO_RULE }
    }
}

impl HostRules {
    /// Adds a rule that comes after those in it.
    pub(super) fn insert(&mut self, rule: usize, path: Option<&PathPattern>, methods: &[Box<str>]) {
        match path {
            None => self.without_path.insert(rule, methods),
            Some(path) => {
                self.first_with_path = self.first_with_path.min(rule);
                self.paths.rules_mut(path).insert(rule, methods);
            }
        }
    }
}

impl HostTree {
    /// The rules for any host.
    pub(super) fn any_mut(&mut self) -> &mut HostRules {
        &mut self.below
    }

    /// The rules that have this pattern.
    pub(super) fn rules_mut(&mut self, pattern: &HostPattern) -> &mut HostRules {
        let labels = labels(&pattern.host);
        let node = labels.fold(self, |node, label| node.labels.entry(label.into()).or_default());
        if pattern.below { &mut node.below } else { &mut node.host }
    }

    /// Shows all rules that match the host, in no order; without a host, those for any.
    pub(super) fn visit(&self, host: Option<&str>, mut rules: impl FnMut(&HostRules)) {
        rules(&self.below);
        let mut labels = host.into_iter().flat_map(labels).peekable();
        let mut node = self;
        while let Some(label) = labels.next() {
            let Some(child) = node.labels.get(label) else { return };
            node = child;
            #[cfg(test)]
            super::tests::visited();
            rules(if labels.peek().is_some() { &node.below } else { &node.host });
        }
    }
}

/// The labels of a host, the last one first.
fn labels(host: &str) -> impl Iterator<Item = &[u8]> {
    host.as_bytes().rsplit(|byte| *byte == b'.')
}
