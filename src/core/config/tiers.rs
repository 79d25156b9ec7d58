//! The part `tiers`: to tiers.

use super::Capabilities;
use super::error::Errors;
use super::fields::Located;
use super::limits::{self, Owner};
use super::node::Node;
use super::path::Path;
use crate::domain::client::{Tier, TierIndex};
use crate::domain::name::{NONE, Name};

const TIER: &str = "a map with `limits`, or an empty one for no limits";

/// Where the tier of this name stands in [what was read](read).
pub(super) fn find(tiers: &[Tier], name: &Name) -> Option<TierIndex> {
    tiers.binary_search_by(|tier| tier.name.cmp(name)).ok().map(TierIndex)
}

/// The tiers by name, in ascending order: a Struct keeps none. A tier whose limits are wrong is among them, so that its
/// clients are not wrong too. `None` if it cannot be known which tiers there are.
pub(super) fn read(value: Located<'_>, capabilities: Capabilities, errors: &mut Errors) -> Option<Vec<Tier>> {
    let Node::Map(entries) = value.node else {
        return value.wrong("a map from names to tiers", errors);
    };
    let mut tiers: Vec<Tier> = Vec::new();
    for (key, node) in entries {
        let path = Path::Key(&value.path, key);
        let name = Located { node: &Node::of_key(key), path }.free_name(&[NONE], errors);
        let fields = Located { node, path }.fields(&["limits"], TIER, errors);
        let limits = fields
            .and_then(|fields| limits::read(fields.optional("limits")?, Owner::Tier, capabilities, errors))
            .unwrap_or_default();
        if let Some(name) = name {
            let place = tiers.partition_point(|tier| tier.name < name);
            tiers.insert(place, Tier { name, limits: limits.into() });
        }
    }
    Some(tiers)
}
