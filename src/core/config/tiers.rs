//! `tiers`.

use super::capabilities::Capabilities;
use super::error::Errors;
use super::fields::Located;
use super::limits::{self, Owner};
use super::node::Node;
use super::path::Path;
use crate::domain::client::{Tier, TierIndex};
use crate::domain::name::{NONE, Name};

const TIER: &str = "a map with `limits`, or an empty one for no limits";

/// The index of the tier with this name.
pub(super) fn find(tiers: &[Tier], name: &Name) -> Option<TierIndex> {
    tiers.binary_search_by(|tier| tier.name.cmp(name)).ok().map(TierIndex)
}

/// The tiers in ascending order of their names, since a Struct has no order. A tier with errors in its limits is
/// included, so that its clients have no error. `None` if the names of the tiers are unknown.
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
