//! Rules by path: a tree of segments.

use super::methods::Methods;
use super::path::Segments;
use super::path_pattern::{PathPattern, Segment};
use std::collections::BTreeMap;

/// The rules whose patterns begin with the same segments.
#[derive(Clone, Debug, Default)]
pub(super) struct PathTree {
    /// The rules of the path that ends here.
    here: Methods,
    /// The rules of the path that ends here and of all paths below it.
    below: Methods,
    texts: BTreeMap<Box<[u8]>, PathTree>,
    any: Option<Box<PathTree>>,
}

impl PathTree {
    /// The rules of this pattern.
    pub(super) fn rules_mut(&mut self, pattern: &PathPattern) -> &mut Methods {
        let node = pattern.segments.iter().fold(self, |node, segment| match segment {
            Segment::Text(text) => node.texts.entry(text.clone()).or_default(),
            Segment::Any => node.any.get_or_insert_default(),
        });
        if pattern.below { &mut node.below } else { &mut node.here }
    }

    /// The first rule for these segments, in the client's spelling, and this method; [`super::methods::NO_RULE`] if
    /// there is none. The recursion is no deeper than [`super::path_pattern::MAX_SEGMENTS`].
    pub(super) fn first(&self, mut segments: Segments<'_>, method: &[u8]) -> usize {
        #[cfg(test)]
        super::tests::visited();
        let below = self.below.first(method);
        let Some(segment) = segments.next() else { return below.min(self.here.first(method)) };
        let text = self.texts.get(segment);
        let any = self.any.as_deref();
        [text, any].into_iter().flatten().fold(below, |first, node| first.min(node.first(segments.clone(), method)))
    }
}
