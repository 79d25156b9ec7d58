//! What is counted, under Istio's naming convention `name;.;label=.=value;.;`, which `stats_tags` in the bootstrap turn
//! into labels. A label's value comes from the configuration or from a closed list, never from a request.

use super::abi::{self, Metric};
use crate::domain::client::{ClientIndex, TierIndex};
use crate::domain::decision::{Decision, Reason};
use crate::domain::level::Generation;
use crate::domain::limit::{Limit, LimitId};
use crate::domain::mode::Mode;
use crate::domain::name::{NONE, OTHER};
use crate::domain::policy::Policy;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// The metrics of this VM by their full names. Each call that defines one makes a new id, also for a name that another
/// configuration has defined before.
#[derive(Default)]
pub(super) struct Names(RefCell<HashMap<String, u32>>);

impl Names {
    /// Has room for so many.
    pub(super) fn expect(&self, count: usize) {
        if let Ok(mut ids) = self.0.try_borrow_mut() {
            let more = count.saturating_sub(ids.len());
            ids.reserve(more);
        }
    }

    /// The metric with this name.
    pub(super) fn id(&self, metric: Metric, name: String) -> Option<u32> {
        let mut ids = self.0.try_borrow_mut().ok()?;
        if let Some(id) = ids.get(&name) {
            return Some(*id);
        }
        let id = abi::define(metric, &name).ok()?;
        ids.insert(name, id);
        Some(id)
    }

    fn gauge(&self, name: &str, value: u64) {
        if let Some(id) = self.id(Metric::GAUGE, name.to_owned()) {
            let _ = abi::record(id, value);
        }
    }

    /// Shows which configuration is in force.
    pub(super) fn in_force(&self, policy: &Policy, generation: Generation) {
        self.gauge("certgate_enforcing", u64::from(policy.mode == Mode::Enforce));
        self.gauge("certgate_config_generation", generation.0);
    }

    /// Counts a request that no configuration could decide.
    pub(super) fn undecided(&self) {
        self.increment(requests_total(Decision::Error, false, Some(Reason::Internal), None));
    }

    /// Counts a swap that came too late.
    pub(super) fn store_conflict(&self) {
        self.increment("certgate_store_conflicts_total".to_owned());
    }

    fn increment(&self, name: String) {
        if let Some(id) = self.id(Metric::COUNTER, name) {
            let _ = abi::increment(id);
        }
    }
}

/// A counter that is defined when it is first used.
#[derive(Clone, Default)]
struct Counter(Cell<Option<u32>>);

impl Counter {
    /// Counting that fails loses a count, not a request.
    fn increment(&self, names: &Names, name: impl FnOnce() -> String) {
        if self.0.get().is_none() {
            self.0.set(names.id(Metric::COUNTER, name()));
        }
        if let Some(id) = self.0.get() {
            let _ = abi::increment(id);
        }
    }
}

/// The counters of one configuration.
pub(super) struct Counters {
    shadow: bool,
    /// By tier (the last: none) and reason (the last: none), which together say the decision.
    requests: Vec<[Counter; Reason::ALL.len() + 1]>,
    /// By client (the last: all beyond the series) and decision.
    clients: Vec<[Counter; Decision::ALL.len()]>,
    /// By tier and limit.
    limits: RefCell<Vec<(Option<TierIndex>, LimitId, u32)>>,
    dates_unchecked: Counter,
}

impl Counters {
    /// The counters for `policy`, none of them defined yet.
    pub(super) fn new(policy: &Policy) -> Self {
        let tiers = policy.registry.tiers();
        let series = policy.client_series.min(policy.registry.clients().client_count());
        Self {
            shadow: policy.mode == Mode::Shadow,
            requests: vec![Default::default(); tiers.len().saturating_add(1)],
            clients: vec![Default::default(); series.saturating_add(1)],
            limits: RefCell::default(),
            dates_unchecked: Counter::default(),
        }
    }

    /// Counts a decided request.
    pub(super) fn decided(
        &self,
        names: &Names,
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
            counter.increment(names, || {
                requests_total(decision, self.shadow, reason, tier.and_then(|tier| tier_name(policy, tier)))
            });
        }
        let Some(client) = client else { return };
        let beyond = self.clients.len().saturating_sub(1);
        let row = client.0.min(beyond);
        if let Some(counter) = self.clients.get(row).and_then(|decisions| decisions.get(decision.place())) {
            counter.increment(names, || {
                let own = policy.registry.client(client).filter(|_| row < beyond);
                let alias = own.map_or(OTHER, |client| client.alias);
                labelled(
                    "certgate_client_requests_total",
                    &[("alias", alias), ("decision", decision.as_str(self.shadow))],
                )
            });
        }
    }

    /// Counts a request that found a limit used up.
    pub(super) fn limit_exceeded(&self, names: &Names, policy: &Policy, tier: Option<TierIndex>, limit: &Limit) {
        let Ok(mut ids) = self.limits.try_borrow_mut() else { return };
        if let Some((_, _, id)) = ids.iter().find(|(known, id, _)| (*known, *id) == (tier, limit.id)) {
            let _ = abi::increment(*id);
            return;
        }
        let name = tier.and_then(|tier| tier_name(policy, tier)).unwrap_or(NONE);
        let labels = [("tier", name), ("limit", limit.name.as_str())];
        if let Some(id) = names.id(Metric::COUNTER, labelled("certgate_limit_exceeded_total", &labels)) {
            ids.push((tier, limit.id, id));
            let _ = abi::increment(id);
        }
    }

    /// Counts a certificate whose dates are not known.
    pub(super) fn dates_unchecked(&self, names: &Names) {
        self.dates_unchecked.increment(names, || "certgate_dates_unchecked_total".to_owned());
    }
}

fn tier_name(policy: &Policy, tier: TierIndex) -> Option<&str> {
    policy.registry.tiers().get(tier.0).map(|tier| tier.name.as_str())
}

fn requests_total(decision: Decision, shadow: bool, reason: Option<Reason>, tier: Option<&str>) -> String {
    let reason = reason.map_or(NONE, Reason::as_str);
    let labels = [("decision", decision.as_str(shadow)), ("reason", reason), ("tier", tier.unwrap_or(NONE))];
    labelled("certgate_requests_total", &labels)
}

fn labelled(name: &str, labels: &[(&str, &str)]) -> String {
    let labels = labels.iter().map(|(label, value)| format!("{label}=.={value};.;"));
    [name, ";.;"].into_iter().map(str::to_owned).chain(labels).collect()
}
