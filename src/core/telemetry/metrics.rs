//! The metric port: hosts define and set metrics.

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A number that only increases.
    Counter,
    /// A number that is set to any value.
    Gauge,
}

/// A metric that a host has defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricId(pub u32);

/// The metrics of a host. A failed call loses a value of a metric and has no other effect.
pub trait MetricSink {
    /// The metric with this name and these labels (name and value each). The same arguments give the same metric.
    /// `None` if the host cannot define it.
    fn metric(&self, kind: Kind, name: &str, labels: &[(&str, &str)]) -> Option<MetricId>;
    /// Adds one to a counter.
    fn add(&self, counter: MetricId);
    /// Sets a gauge.
    fn set(&self, gauge: MetricId, value: u64);
    /// Reserves memory for this number of metrics.
    fn reserve(&self, _count: usize) {}
}

#[cfg(test)]
pub(crate) mod fake {
    //! Metrics in memory, for unit tests.

    use super::{Kind, MetricId, MetricSink};
    use std::cell::{Cell, RefCell};

    #[derive(Default)]
    pub(crate) struct FakeMetrics {
        metrics: RefCell<Vec<(String, Kind, u64)>>,
        refuses: Cell<bool>,
    }

    impl FakeMetrics {
        /// All metrics with their values, by name: `name{label=value,...}`.
        pub(crate) fn values(&self) -> Vec<(String, u64)> {
            let mut values: Vec<_> =
                self.metrics.borrow().iter().map(|(name, _, value)| (name.clone(), *value)).collect();
            values.sort();
            values
        }

        /// Asserts that these are all metrics with their values.
        pub(crate) fn assert_values(&self, expected: &[(&str, u64)]) {
            let values = self.values();
            let values: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), *value)).collect();
            assert_eq!(values, expected);
        }

        /// Sets whether defining metrics fails.
        pub(crate) fn refuse(&self, refuses: bool) {
            self.refuses.set(refuses);
        }

        fn change(&self, MetricId(id): MetricId, kind: Kind, change: impl FnOnce(u64) -> u64) {
            let mut metrics = self.metrics.borrow_mut();
            let metric = metrics.get_mut(usize::try_from(id).unwrap()).unwrap();
            assert_eq!(metric.1, kind, "{}", metric.0);
            metric.2 = change(metric.2);
        }
    }

    impl MetricSink for FakeMetrics {
        fn metric(&self, kind: Kind, name: &str, labels: &[(&str, &str)]) -> Option<MetricId> {
            if self.refuses.get() {
                return None;
            }
            let labels: Vec<_> = labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
            let name = format!("{name}{{{}}}", labels.join(","));
            let mut metrics = self.metrics.borrow_mut();
            let known = metrics.iter().position(|(other, ..)| *other == name);
            let place = known.unwrap_or_else(|| {
                metrics.push((name, kind, 0));
                metrics.len().saturating_sub(1)
            });
            Some(MetricId(u32::try_from(place).unwrap()))
        }

        fn add(&self, counter: MetricId) {
            self.change(counter, Kind::Counter, |value| value.saturating_add(1));
        }

        fn set(&self, gauge: MetricId, value: u64) {
            self.change(gauge, Kind::Gauge, |_| value);
        }
    }
}
