//! When credentials and CRLs end, as gauges: those that the policy names, and no others, whatever requests show.

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

/// Those of one plugin.
#[derive(Default)]
struct OfPlugin {
    root_id: String,
    /// The configuration that it has taken up last.
    generation: Generation,
    /// In the order of their ids.
    gauges: Vec<Gauge>,
}

struct Gauge {
    id: u32,
    /// The last configuration that showed it.
    generation: Generation,
    /// How the digest begins that its credential asked for then.
    asked: Asked,
}

type Asked = [u8; 8];

/// The gauges of one configuration: the credential, its end, the gauge.
#[derive(Default)]
pub(super) struct Shown(Vec<(CredentialIndex, u32, u32)>);

impl Gauges {
    /// Shows the ends that `policy` knows, and 0 for what it has not: no gauge can be removed. What is known of a
    /// certificate that has to be seen first stays, unless the credential now asks for another; of this, the first VM
    /// that takes the policy up (`first`) sees to it, lest a late one hides what was seen meanwhile.
    pub(super) fn take_up(
        &self,
        names: &Names,
        root_id: &str,
        (generation, first): (Generation, bool),
        policy: &Policy,
    ) -> Shown {
        let mut shown = Vec::new();
        let Ok(mut plugins) = self.0.try_borrow_mut() else { return Shown(shown) };
        let place = plugins.iter().position(|plugin| plugin.root_id == root_id);
        let known = place.map(|place| plugins.swap_remove(place));
        let mut plugin = known.unwrap_or_else(|| OfPlugin { root_id: root_id.to_owned(), ..OfPlugin::default() });
        plugin.generation = generation;
        // Two plugins may have a credential of the same name.
        let others = plugins.as_slice();
        let clear = |id| {
            if !others.iter().any(|other| other.shows(id)) {
                let _ = abi::record(id, 0);
            }
        };
        // At once: what growing leaves behind would make every request's memory harder to find.
        let count = policy.expiries.iter().count();
        names.expect(count);
        plugin.gauges.reserve(count.saturating_sub(plugin.gauges.len()));
        shown.reserve(count);
        for expiry in policy.expiries.iter() {
            let Some(identifier) = policy.registry.clients().identifier(expiry.credential) else { continue };
            let name = name(policy, &expiry, &identifier);
            let Some(id) = name.and_then(|name| names.id(Metric::GAUGE, name)) else { continue };
            let asked = identifier.digest.first_chunk().copied().unwrap_or_default();
            let before = plugin.keep(id, asked);
            if first && expiry.not_after == UNKNOWN && before.is_some_and(|before| before != asked) {
                clear(id);
            }
            show(id, expiry.not_after);
            shown.push((expiry.credential, expiry.not_after, id));
        }
        plugin.show_next_update(names, policy);
        let gone = plugin.gauges.iter().filter(|gauge| gauge.generation != generation);
        gone.for_each(|gauge| clear(gauge.id));
        plugins.push(plugin);
        Shown(shown)
    }
}

impl OfPlugin {
    /// Keeps this gauge as one of the configuration's; what its credential asked for before, if there was one.
    fn keep(&mut self, id: u32, asked: Asked) -> Option<Asked> {
        let gauge = Gauge { id, generation: self.generation, asked };
        match self.find(id) {
            Ok(place) => self.gauges.get_mut(place).map(|known| std::mem::replace(known, gauge).asked),
            // A new one comes last: the host counts its ids up.
            Err(place) => {
                self.gauges.insert(place, gauge);
                None
            }
        }
    }

    /// Shows when the first of the CRLs is due.
    fn show_next_update(&mut self, names: &Names, policy: &Policy) {
        let Some(id) = names.id(Metric::GAUGE, "certgate_crl_next_update_timestamp_seconds".to_owned()) else { return };
        let next_updates = policy.revocation_lists.iter().filter_map(|list| list.next_update);
        if let Some(UnixSeconds(first)) = next_updates.min() {
            self.keep(id, Asked::default());
            let _ = abi::record(id, u64::try_from(first).unwrap_or(0));
        }
    }

    /// Whether the configuration that it has taken up last shows this gauge.
    fn shows(&self, id: u32) -> bool {
        let gauge = self.find(id).ok().and_then(|place| self.gauges.get(place));
        gauge.is_some_and(|gauge| gauge.generation == self.generation)
    }

    fn find(&self, id: u32) -> Result<usize, usize> {
        self.gauges.binary_search_by_key(&id, |gauge| gauge.id)
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
fn name(policy: &Policy, expiry: &Expiry<'_>, Identifier { kind, digest }: &Identifier) -> Option<String> {
    let alias = policy.registry.at(expiry.credential)?.client.alias;
    let digits;
    let [kind, colon, label] = match expiry.name {
        Some(name) => ["", "", name],
        None => {
            digits = HEXLOWER.encode(digest.get(..SHORT)?);
            // No name has a colon.
            [kind.as_str(), ":", &digits]
        }
    };
    let head = "certgate_credential_not_after_timestamp_seconds;.;alias=.=";
    Some([head, alias, ";.;credential=.=", kind, colon, label, ";.;"].concat())
}
