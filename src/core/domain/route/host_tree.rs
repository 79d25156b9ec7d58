//! Rules by host: a tree of labels, from the last to the first.

use super::host::HostPattern;
use super::methods::{Methods, NO_RULE};
use super::path_pattern::PathPattern;
use super::path_tree::PathTree;
use std::collections::BTreeMap;

/// The rules of the hosts that end in the same labels. The root has no labels, so all hosts are below it.
#[derive(Clone, Debug, Default)]
pub(super) struct HostTree {
    /// The rules of the host with no further label.
    host: HostRules,
    /// The rules of hosts with further labels.
    below: HostRules,
    labels: BTreeMap<Box<[u8]>, HostTree>,
}

/// The rules of one host pattern.
#[derive(Clone, Debug)]
pub(super) struct HostRules {
    /// The rules without a path.
    pub(super) without_path: Methods,
    /// The rules with a path.
    pub(super) paths: PathTree,
    /// The first of the rules with a path.
    pub(super) first_with_path: usize,
}

impl Default for HostRules {
    /// No rules.
    fn default() -> Self {
        Self { without_path: Methods::default(), paths: PathTree::default(), first_with_path: NO_RULE }
    }
}

impl HostRules {
    /// Adds a rule, which comes after those added before.
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
    /// The rules without a host.
    pub(super) fn any_mut(&mut self) -> &mut HostRules {
        &mut self.below
    }

    /// The rules of this pattern.
    pub(super) fn rules_mut(&mut self, pattern: &HostPattern) -> &mut HostRules {
        let labels = labels(&pattern.host);
        let node = labels.fold(self, |node, label| node.labels.entry(label.into()).or_default());
        if pattern.below { &mut node.below } else { &mut node.host }
    }

    /// Calls `rules` with all rules that match the host, in no order; without a host, with those that have none.
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
