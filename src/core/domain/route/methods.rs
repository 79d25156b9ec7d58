//! Rules by method, of those that match the same host and path.

use std::collections::BTreeMap;

/// Stands for no rule; greater than every index.
pub(super) const NO_RULE: usize = usize::MAX;

/// The first rule for each method.
#[derive(Clone, Debug)]
pub(super) struct Methods {
    /// The first rule for any method.
    any: usize,
    /// The first rule that names the method.
    named: BTreeMap<Box<[u8]>, usize>,
}

impl Default for Methods {
    /// No rules.
    fn default() -> Self {
        Self { any: NO_RULE, named: BTreeMap::new() }
    }
}

impl Methods {
    /// Adds a rule, which comes after those added before.
    pub(super) fn insert(&mut self, rule: usize, methods: &[Box<str>]) {
        if methods.is_empty() {
            self.any = self.any.min(rule);
        }
        for method in methods {
            self.named.entry(method.as_bytes().into()).or_insert(rule);
        }
    }

    /// The first rule for this method, or [`NO_RULE`].
    pub(super) fn first(&self, method: &[u8]) -> usize {
        self.named.get(method).map_or(self.any, |rule| self.any.min(*rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_for_a_method_is_its_own_or_one_for_any() {
        let mut methods = Methods::default();
        assert_eq!(methods.first(b"GET"), NO_RULE);
        methods.insert(3, &["GET".into(), "HEAD".into(), "GET".into()]);
        methods.insert(4, &[]);
        methods.insert(5, &["GET".into(), "POST".into()]);
        for (method, rule) in [("GET", 3), ("HEAD", 3), ("POST", 4), ("get", 4), ("GET ", 4), ("", 4)] {
            assert_eq!(methods.first(method.as_bytes()), rule, "{method:?}");
        }
    }
}
