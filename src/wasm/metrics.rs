//! Envoy's metrics, under Istio's naming convention `name;.;label=.=value;.;`, which `stats_tags` in the bootstrap turn
//! into labels.

use super::abi::{self, Metric};
use certgate_core::telemetry::metrics::{Kind, MetricId, MetricSink};
use std::cell::RefCell;
use std::collections::HashMap;
use xxhash_rust::xxh3::Xxh3;

/// Entries reserved for the metrics that requests define, so that the table does not grow between requests: a hole that is
/// left by growing costs every later allocation instructions.
const OTHERS: usize = 24;

/// The ids of the metrics of this VM, by the hash of their full names (XXH3, 128 bits). Kept here, since Envoy makes a new
/// id in each call that defines a metric, also for a name that is defined already.
///
/// A hash in place of the name: a text that is kept from within a request leaves a hole behind the buffers of that request,
/// which costs every later request instructions. Names come from the configuration alone.
#[derive(Default)]
pub(super) struct Metrics(RefCell<HashMap<u128, u32>>);

impl MetricSink for Metrics {
    fn metric(&self, kind: Kind, name: &str, labels: &[(&str, &str)]) -> Option<MetricId> {
        let name = labelled(name, labels);
        let mut ids = self.0.try_borrow_mut().ok()?;
        let mut hash = Xxh3::new();
        hash.update(name.as_bytes());
        let hash = hash.digest128();
        if let Some(id) = ids.get(&hash) {
            return Some(MetricId(*id));
        }
        let metric = match kind {
            Kind::Counter => Metric::COUNTER,
            Kind::Gauge => Metric::GAUGE,
        };
        let id = abi::define(metric, &name).ok()?;
        ids.insert(hash, id);
        Some(MetricId(id))
    }

    fn add(&self, MetricId(counter): MetricId) {
        let _ = abi::increment(counter);
    }

    fn set(&self, MetricId(gauge): MetricId, value: u64) {
        let _ = abi::record(gauge, value);
    }

    fn reserve(&self, count: usize) {
        if let Ok(mut ids) = self.0.try_borrow_mut() {
            let more = count.saturating_add(OTHERS).saturating_sub(ids.len());
            ids.reserve(more);
        }
    }
}

/// The full name. It is allocated once, since there may be a hundred thousand.
fn labelled(name: &str, labels: &[(&str, &str)]) -> String {
    let size = labels.iter().fold(name.len(), |size, (label, value)| {
        size.saturating_add(label.len()).saturating_add(value.len()).saturating_add(6)
    });
    let mut full = String::with_capacity(size.saturating_add(3));
    full.push_str(name);
    if !labels.is_empty() {
        full.push_str(";.;");
    }
    for (label, value) in labels {
        [label, "=.=", value, ";.;"].iter().for_each(|part| full.push_str(part));
    }
    full
}
