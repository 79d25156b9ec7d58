//! The counters and their labels. The value of a label comes from the configuration or from a closed list, never from a
//! request.

use super::metrics::{Kind, MetricId, MetricSink};
use crate::domain::client::{ClientIndex, TierIndex};
use crate::domain::decision::{Decision, Reason};
use crate::domain::generation::Generation;
use crate::domain::limit::{Limit, LimitId};
use crate::domain::mode::Mode;
use crate::domain::name::{NONE, OTHER};
use crate::domain::policy::Policy;
use std::sync::{Mutex, OnceLock};

/// Sets the gauges of the active configuration: its mode and its generation.
pub fn set_configuration_gauges(sink: &impl MetricSink, policy: &Policy, generation: Generation) {
    for (name, value) in
        [("certgate_enforcing", u64::from(policy.mode == Mode::Enforce)), ("certgate_config_generation", generation.0)]
    {
        if let Some(gauge) = sink.metric(Kind::Gauge, name, &[]) {
            sink.set(gauge, value);
        }
    }
}

/// Counts a request that could not be decided, without a usable configuration.
pub fn undecided(sink: &impl MetricSink) {
    let labels = request_labels(Decision::Error, false, Some(Reason::Internal), None);
    increment(sink, "certgate_requests_total", &labels);
}

/// Counts a conflict: another worker changed a shared value between read and write.
pub fn store_conflict(sink: &impl MetricSink) {
    increment(sink, "certgate_store_conflicts_total", &[]);
}

fn increment(sink: &impl MetricSink, name: &str, labels: &[(&str, &str)]) {
    if let Some(counter) = sink.metric(Kind::Counter, name, labels) {
        sink.add(counter);
    }
}

/// A counter that is defined at its first increment.
#[derive(Clone, Default)]
struct Counter(OnceLock<MetricId>);

impl Counter {
    fn increment(&self, sink: &impl MetricSink, define: impl FnOnce() -> Option<MetricId>) {
        let id = self.0.get().copied().or_else(|| define().map(|id| *self.0.get_or_init(|| id)));
        if let Some(id) = id {
            sink.add(id);
        }
    }
}

/// The counters of one configuration.
pub struct Counters {
    shadow: bool,
    /// By tier (last: none) and reason (last: allowed). Both together imply the decision.
    requests: Vec<[Counter; Reason::ALL.len() + 1]>,
    /// By client (last: all clients without series of their own) and decision.
    clients: Vec<[Counter; Decision::ALL.len()]>,
    /// By tier and limit.
    limits: Mutex<Vec<(Option<TierIndex>, LimitId, MetricId)>>,
    dates_unchecked: Counter,
}

impl Counters {
    /// The counters for `policy`. None is defined yet.
    pub fn new(policy: &Policy) -> Self {
        let tiers = policy.registry.tiers();
        let series = policy.client_series.min(policy.registry.clients().client_count());
        Self {
            shadow: policy.mode == Mode::Shadow,
            requests: vec![Default::default(); tiers.len().saturating_add(1)],
            clients: vec![Default::default(); series.saturating_add(1)],
            limits: Mutex::default(),
            dates_unchecked: Counter::default(),
        }
    }

    /// Counts a decided request.
    pub fn decided(
        &self,
        sink: &impl MetricSink,
        policy: &Policy,
        reason: Option<Reason>,
        tier: Option<TierIndex>,
        client: Option<ClientIndex>,
    ) {
        let decision = reason.map_or(Decision::Allowed, Reason::decision);
        let last = self.requests.len().saturating_sub(1);
        let column = reason.map_or(Reason::ALL.len(), Reason::place);
        let counter = self.requests.get(tier.map_or(last, |tier| tier.0)).and_then(|reasons| reasons.get(column));
        if let Some(counter) = counter {
            counter.increment(sink, || {
                let tier = tier.and_then(|tier| tier_name(policy, tier));
                let labels = request_labels(decision, self.shadow, reason, tier);
                sink.metric(Kind::Counter, "certgate_requests_total", &labels)
            });
        }
        let Some(client) = client else { return };
        let beyond = self.clients.len().saturating_sub(1);
        let row = client.0.min(beyond);
        if let Some(counter) = self.clients.get(row).and_then(|decisions| decisions.get(decision.place())) {
            counter.increment(sink, || {
                let own = policy.registry.client(client).filter(|_| row < beyond);
                let alias = own.map_or(OTHER, |client| client.alias);
                let labels = [("alias", alias), ("decision", decision.as_str(self.shadow))];
                sink.metric(Kind::Counter, "certgate_client_requests_total", &labels)
            });
        }
    }

    /// Counts a request that exceeded a limit.
    pub fn limit_exceeded(&self, sink: &impl MetricSink, policy: &Policy, tier: Option<TierIndex>, limit: &Limit) {
        let Ok(mut ids) = self.limits.lock() else { return };
        if let Some((_, _, id)) = ids.iter().find(|(known, id, _)| (*known, *id) == (tier, limit.id)) {
            sink.add(*id);
            return;
        }
        let name = tier.and_then(|tier| tier_name(policy, tier)).unwrap_or(NONE);
        let labels = [("tier", name), ("limit", limit.name.as_str())];
        if let Some(id) = sink.metric(Kind::Counter, "certgate_limit_exceeded_total", &labels) {
            ids.push((tier, limit.id, id));
            sink.add(id);
        }
    }

    /// Counts a request whose certificate has no known dates.
    pub fn dates_unchecked(&self, sink: &impl MetricSink) {
        self.dates_unchecked.increment(sink, || sink.metric(Kind::Counter, "certgate_dates_unchecked_total", &[]));
    }
}

fn tier_name(policy: &Policy, tier: TierIndex) -> Option<&str> {
    policy.registry.tiers().get(tier.0).map(|tier| tier.name.as_str())
}

fn request_labels(
    decision: Decision,
    shadow: bool,
    reason: Option<Reason>,
    tier: Option<&str>,
) -> [(&'static str, &str); 3] {
    let reason = reason.map_or(NONE, Reason::as_str);
    [("decision", decision.as_str(shadow)), ("reason", reason), ("tier", tier.unwrap_or(NONE))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::telemetry::metrics::fake::FakeMetrics;

    fn policy(mode: &str) -> Policy {
        let registry = format!(
            r#"{{"version": 1, "mode": "{mode}", "metrics": {{"clients": 1}}, "tiers": {{"gold": {{"limits": [
                {{"name": "burst", "requests": 1, "per": "1s"}}]}}}}, "clients": [
                {{"alias": "a", "tier": "gold", "credentials": [{{"uri_san": "spiffe://a/a"}}]}},
                {{"alias": "b", "tier": "gold", "credentials": [{{"uri_san": "spiffe://a/b"}}]}}]}}"#
        );
        config::read(registry.as_bytes()).unwrap()
    }

    #[test]
    fn a_request_counts_once_by_decision_and_once_by_client() {
        let (sink, policy) = (FakeMetrics::default(), policy("enforce"));
        let counters = Counters::new(&policy);
        let decided = |reason, tier: Option<usize>, client: Option<usize>| {
            counters.decided(&sink, &policy, reason, tier.map(TierIndex), client.map(ClientIndex));
        };
        decided(None, Some(0), Some(0));
        decided(None, Some(0), Some(0));
        decided(Some(Reason::LimitExceeded), Some(0), Some(1));
        decided(Some(Reason::UnknownCertificate), None, None);
        let limit = &policy.registry.tiers()[0].limits[0];
        counters.limit_exceeded(&sink, &policy, Some(TierIndex(0)), limit);
        counters.limit_exceeded(&sink, &policy, Some(TierIndex(0)), limit);
        counters.limit_exceeded(&sink, &policy, None, limit);
        counters.dates_unchecked(&sink);
        undecided(&sink);
        store_conflict(&sink);
        sink.assert_values(&[
            ("certgate_client_requests_total{alias=a,decision=allowed}", 2),
            ("certgate_client_requests_total{alias=other,decision=throttled}", 1),
            ("certgate_dates_unchecked_total{}", 1),
            ("certgate_limit_exceeded_total{tier=gold,limit=burst}", 2),
            ("certgate_limit_exceeded_total{tier=none,limit=burst}", 1),
            ("certgate_requests_total{decision=allowed,reason=none,tier=gold}", 2),
            ("certgate_requests_total{decision=error,reason=internal,tier=none}", 1),
            ("certgate_requests_total{decision=refused,reason=unknown_certificate,tier=none}", 1),
            ("certgate_requests_total{decision=throttled,reason=limit_exceeded,tier=gold}", 1),
            ("certgate_store_conflicts_total{}", 1),
        ]);
    }

    #[test]
    fn decisions_in_shadow_mode_have_names_of_their_own() {
        let (sink, policy) = (FakeMetrics::default(), policy("shadow"));
        Counters::new(&policy).decided(&sink, &policy, Some(Reason::RuleDenied), None, None);
        set_configuration_gauges(&sink, &policy, Generation(7));
        sink.assert_values(&[
            ("certgate_config_generation{}", 7),
            ("certgate_enforcing{}", 0),
            ("certgate_requests_total{decision=shadow_refused,reason=rule_denied,tier=none}", 1),
        ]);
    }

    #[test]
    fn a_metric_that_cannot_be_defined_is_tried_again() {
        let (sink, policy) = (FakeMetrics::default(), policy("enforce"));
        let counters = Counters::new(&policy);
        sink.refuse(true);
        counters.dates_unchecked(&sink);
        sink.refuse(false);
        counters.dates_unchecked(&sink);
        sink.assert_values(&[("certgate_dates_unchecked_total{}", 1)]);
    }
}
