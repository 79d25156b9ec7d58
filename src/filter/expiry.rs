//! When credentials end, as gauges: those that the policy names, and no others, whatever requests show.

use super::abi::{self, Metric};
use super::metrics::Names;
use crate::domain::credential::{CredentialIndex, Identifier};
use crate::domain::expiry::{self, Expiry, UNKNOWN};
use crate::domain::level::Generation;
use crate::domain::policy::Policy;
use crate::domain::time::UnixSeconds;
use data_encoding::HEXLOWER;
use std::cell::RefCell;

/// Bytes of a digest by which people know a credential that has no name.
const SHORT: usize = 6;

/// The gauges that this VM has shown.
#[derive(Default)]
pub(super) struct Gauges(RefCell<Vec<OfPlugin>>);

/// Those of the plugin with this `root_id`, each with the last configuration that showed it.
struct OfPlugin {
    root_id: String,
    gauges: Vec<(u32, Generation)>,
}

/// The gauges of one configuration: the credential, its end, the gauge.
pub(super) struct Shown(Vec<(CredentialIndex, u32, u32)>);

impl Gauges {
    /// Shows the ends that `policy` knows, and 0 for the credentials that it has not: no gauge can be removed. What is
    /// known of a certificate that has to be seen first stays.
    pub(super) fn take_up(&self, names: &Names, root_id: &str, generation: Generation, policy: &Policy) -> Shown {
        let mut shown = Vec::new();
        let Ok(mut plugins) = self.0.try_borrow_mut() else { return Shown(shown) };
        if !plugins.iter().any(|plugin| plugin.root_id == root_id) {
            plugins.push(OfPlugin { root_id: root_id.to_owned(), gauges: Vec::new() });
        }
        let plugin = plugins.iter_mut().find(|plugin| plugin.root_id == root_id);
        let Some(OfPlugin { gauges, .. }) = plugin else { return Shown(shown) };
        // At once: what growing leaves behind would make every request's memory harder to find.
        let count = policy.expiries.iter().count();
        names.expect(count);
        gauges.reserve(count.saturating_sub(gauges.len()));
        shown.reserve(count);
        for expiry in policy.expiries.iter() {
            let Some(id) = name(policy, &expiry).and_then(|name| names.id(Metric::GAUGE, name)) else { continue };
            show(id, expiry.not_after);
            // A new one comes last: the host counts its ids up.
            match gauges.binary_search_by_key(&id, |(id, _)| *id) {
                Ok(place) => gauges.get_mut(place).into_iter().for_each(|(_, shown)| *shown = generation),
                Err(place) => gauges.insert(place, (id, generation)),
            }
            shown.push((expiry.credential, expiry.not_after, id));
        }
        for (id, last) in gauges {
            if *last != generation {
                let _ = abi::record(*id, 0);
            }
        }
        Shown(shown)
    }
}

impl Shown {
    /// Shows the end of a certificate that was seen, unless its credential ends before.
    pub(super) fn seen(&self, credential: CredentialIndex, not_after: UnixSeconds) {
        if let Some((_, known, id)) = self.0.iter().find(|(index, ..)| *index == credential) {
            show(*id, expiry::end(not_after).min(*known));
        }
    }
}

fn show(id: u32, end: u32) {
    if end != UNKNOWN {
        let _ = abi::record(id, end.into());
    }
}

/// The gauge's name, in one piece: there may be many.
fn name(policy: &Policy, expiry: &Expiry<'_>) -> Option<String> {
    let alias = policy.registry.at(expiry.credential)?.client.alias;
    let digits;
    let [kind, colon, label] = match expiry.name {
        Some(name) => ["", "", name],
        None => {
            let Identifier { kind, digest } = policy.registry.clients().identifier(expiry.credential)?;
            digits = HEXLOWER.encode(digest.get(..SHORT)?);
            // No name has a colon.
            [kind.as_str(), ":", &digits]
        }
    };
    let head = "certgate_credential_not_after_timestamp_seconds;.;alias=.=";
    Some([head, alias, ";.;credential=.=", kind, colon, label, ";.;"].concat())
}
