//! The gauges of when credentials expire and when the next CRL is due. Requests add none: the policy names all of them.

use super::metrics::{Kind, MetricId, MetricSink};
use crate::domain::credential::{CredentialIndex, Identifier};
use crate::domain::expiry::{self, Expiry, UNKNOWN};
use crate::domain::generation::Generation;
use crate::domain::policy::Policy;
use crate::domain::time::UnixSeconds;
use data_encoding::HEXLOWER;
use std::sync::Mutex;

/// Bytes of the digest in the label of a credential without a name.
const SHORT: usize = 6;

/// The published gauges of all plugins.
#[derive(Default)]
pub struct ExpiryGauges(Mutex<Vec<PluginGauges>>);

/// The published gauges of one plugin.
#[derive(Default)]
struct PluginGauges {
    name: String,
    /// The newest configuration that the plugin has activated.
    generation: Generation,
    /// In ascending order of their ids.
    gauges: Vec<Gauge>,
}

struct Gauge {
    id: MetricId,
    /// The newest configuration that published the gauge.
    generation: Generation,
    /// The first 8 bytes of the credential's digest when the gauge was last published.
    digest_start: DigestStart,
}

type DigestStart = [u8; 8];

/// The gauges of one configuration: the credential, its expiry in seconds since 1970, the gauge.
#[derive(Default)]
pub struct PolicyGauges(Vec<(CredentialIndex, u32, MetricId)>);

impl ExpiryGauges {
    /// Publishes one gauge for each credential's expiry in `policy` of the plugin called `name`, and sets gauges of
    /// removed credentials to 0, since no gauge can be removed. An expiry learnt from a presented certificate is kept
    /// unless the credential's digest changed. Only the `first` host to activate the policy resets such a gauge, so
    /// that a late one does not overwrite newer values.
    pub fn activate(
        &self,
        sink: &impl MetricSink,
        name: &str,
        (generation, first): (Generation, bool),
        policy: &Policy,
    ) -> PolicyGauges {
        let mut published = Vec::new();
        let Ok(mut plugins) = self.0.lock() else { return PolicyGauges(published) };
        let place = plugins.iter().position(|plugin| plugin.name == name);
        let known = place.map(|place| plugins.swap_remove(place));
        let mut plugin = known.unwrap_or_else(|| PluginGauges { name: name.to_owned(), ..PluginGauges::default() });
        plugin.generation = generation;
        // Another plugin may have a credential with the same labels.
        let others = plugins.as_slice();
        let clear = |id| {
            if !others.iter().any(|other| other.publishes(id)) {
                sink.set(id, 0);
            }
        };
        // Allocated at once: the holes that growing leaves cost every later allocation instructions.
        let count = policy.expiries.iter().count();
        sink.reserve(count);
        plugin.gauges.reserve(count.saturating_sub(plugin.gauges.len()));
        published.reserve(count);
        for expiry in policy.expiries.iter() {
            let Some(identifier) = policy.registry.clients().identifier(expiry.credential) else { continue };
            let Some(id) = gauge(sink, policy, &expiry, &identifier) else { continue };
            let digest_start = identifier.digest.first_chunk().copied().unwrap_or_default();
            let before = plugin.keep(id, digest_start);
            if first && expiry.not_after == UNKNOWN && before.is_some_and(|before| before != digest_start) {
                clear(id);
            }
            set_expiry(sink, id, expiry.not_after);
            published.push((expiry.credential, expiry.not_after, id));
        }
        plugin.publish_next_update(sink, policy);
        let gone = plugin.gauges.iter().filter(|gauge| gauge.generation != generation);
        gone.for_each(|gauge| clear(gauge.id));
        plugins.push(plugin);
        PolicyGauges(published)
    }
}

impl PluginGauges {
    /// Keeps the gauge as one of this configuration. Returns the first bytes of the credential's former digest, if the
    /// gauge was published before.
    fn keep(&mut self, id: MetricId, digest_start: DigestStart) -> Option<DigestStart> {
        let gauge = Gauge { id, generation: self.generation, digest_start };
        match self.find(id) {
            Ok(place) => self.gauges.get_mut(place).map(|known| std::mem::replace(known, gauge).digest_start),
            // A new gauge comes last, since the host counts its ids up.
            Err(place) => {
                self.gauges.insert(place, gauge);
                None
            }
        }
    }

    /// Publishes the earliest `nextUpdate` of the CRLs.
    fn publish_next_update(&mut self, sink: &impl MetricSink, policy: &Policy) {
        let Some(id) = sink.metric(Kind::Gauge, "certgate_crl_next_update_timestamp_seconds", &[]) else { return };
        let next_updates = policy.revocation_lists.iter().filter_map(|list| list.next_update);
        if let Some(UnixSeconds(first)) = next_updates.min() {
            self.keep(id, DigestStart::default());
            sink.set(id, u64::try_from(first).unwrap_or(0));
        }
    }

    /// Whether the plugin's active configuration has published the gauge.
    fn publishes(&self, id: MetricId) -> bool {
        let gauge = self.find(id).ok().and_then(|place| self.gauges.get(place));
        gauge.is_some_and(|gauge| gauge.generation == self.generation)
    }

    fn find(&self, id: MetricId) -> Result<usize, usize> {
        self.gauges.binary_search_by_key(&id, |gauge| gauge.id)
    }
}

impl PolicyGauges {
    /// Publishes the expiry of a presented certificate, or that of its credential if that is earlier.
    pub fn seen(&self, sink: &impl MetricSink, credential: CredentialIndex, not_after: UnixSeconds) {
        if let Some((_, known, id)) = self.0.iter().find(|(index, ..)| *index == credential) {
            set_expiry(sink, *id, expiry::end(not_after).min(*known));
        }
    }
}

fn set_expiry(sink: &impl MetricSink, id: MetricId, end: u32) {
    if end != UNKNOWN {
        sink.set(id, end.into());
    }
}

/// The gauge of the credential.
fn gauge(
    sink: &impl MetricSink,
    policy: &Policy,
    expiry: &Expiry<'_>,
    Identifier { kind, digest }: &Identifier,
) -> Option<MetricId> {
    let alias = policy.registry.at(expiry.credential)?.client.alias;
    let mut known_as;
    let credential = match expiry.name {
        Some(name) => name,
        None => {
            // A name contains no colon, so it cannot be equal to this label.
            known_as = String::with_capacity(32);
            known_as.push_str(kind.as_str());
            known_as.push(':');
            HEXLOWER.encode_append(digest.get(..SHORT)?, &mut known_as);
            &known_as
        }
    };
    let labels = [("alias", alias), ("credential", credential)];
    sink.metric(Kind::Gauge, "certgate_credential_not_after_timestamp_seconds", &labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::telemetry::metrics::fake::FakeMetrics;

    /// A policy whose clients have one credential each: alias, the first digit of its digest, and `not_after`.
    fn policy(clients: &[(&str, char, Option<&str>)]) -> Policy {
        let client = |(alias, digit, not_after): &(&str, char, Option<&str>)| {
            let digest = digit.to_string().repeat(64);
            let window = not_after.map(|moment| format!(r#", "not_after": "{moment}""#)).unwrap_or_default();
            format!(
                r#"{{"alias": "{alias}", "tier": "t", "credentials": [{{"name": "key", "sha256": "{digest}"{window}}}]}}"#
            )
        };
        let clients: Vec<_> = clients.iter().map(client).collect();
        let registry = format!(r#"{{"version": 1, "tiers": {{"t": {{}}}}, "clients": [{}]}}"#, clients.join(","));
        config::read(registry.as_bytes()).unwrap()
    }

    fn published(sink: &FakeMetrics) -> Vec<(String, u64)> {
        let prefix = "certgate_credential_not_after_timestamp_seconds{alias=";
        let gauges = sink.values().into_iter();
        gauges.filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value))).collect()
    }

    const IN_2030: u64 = 1_893_456_000;

    #[test]
    fn a_reload_keeps_what_was_learnt_and_resets_what_is_gone() {
        let (sink, gauges) = (FakeMetrics::default(), ExpiryGauges::default());
        let first = policy(&[("a", '1', None), ("b", '2', None), ("c", '3', Some("2030-01-01T00:00:00Z"))]);
        let active = gauges.activate(&sink, "root", (Generation(1), true), &first);
        for place in 0..3 {
            // A certificate that ends after its credential ends with it.
            active.seen(&sink, CredentialIndex(place), UnixSeconds(4_000_000_000));
        }
        let of = |a, b, c| {
            [("a", a), ("b", b), ("c", c)].map(|(alias, value)| (format!("{alias},credential=key}}"), value)).to_vec()
        };
        assert_eq!(published(&sink), of(4_000_000_000, 4_000_000_000, IN_2030));
        // `a` has another certificate now; `c` is removed.
        let second = policy(&[("a", '4', None), ("b", '2', None)]);
        let late = ExpiryGauges::default();
        late.activate(&sink, "root", (Generation(1), false), &first);
        gauges.activate(&sink, "root", (Generation(2), true), &second);
        assert_eq!(published(&sink), of(0, 4_000_000_000, 0));
        // A host that activates the policy late does not reset an expiry that was learnt meanwhile.
        let active = gauges.activate(&sink, "root", (Generation(2), true), &second);
        active.seen(&sink, CredentialIndex(0), UnixSeconds(3_000_000_000));
        late.activate(&sink, "root", (Generation(2), false), &second);
        assert_eq!(published(&sink), of(3_000_000_000, 4_000_000_000, 0));
    }

    #[test]
    fn another_plugins_gauge_is_left_alone() {
        let (sink, gauges) = (FakeMetrics::default(), ExpiryGauges::default());
        let with = policy(&[("a", '1', Some("2030-01-01T00:00:00Z"))]);
        gauges.activate(&sink, "one", (Generation(1), true), &with);
        gauges.activate(&sink, "two", (Generation(1), true), &with);
        gauges.activate(&sink, "one", (Generation(2), true), &policy(&[]));
        assert_eq!(published(&sink), [("a,credential=key}".to_owned(), IN_2030)]);
        gauges.activate(&sink, "two", (Generation(2), true), &policy(&[]));
        assert_eq!(published(&sink), [("a,credential=key}".to_owned(), 0)]);
    }
}
