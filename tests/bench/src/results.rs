//! What was measured, and what follows from it.

use crate::latency::{AtRate, PARTS};
use crate::load::Protocol;
use crate::statistics::quantile;
use crate::subjects::{BARE, GOALS, Subject};

/// What was measured under one protocol.
pub(crate) struct Measured {
    /// What was spoken.
    pub(crate) protocol: Protocol,
    /// Microseconds on a core for a request, by subject and round.
    pub(crate) costs: Vec<Vec<f64>>,
    /// What was seen at a fixed rate, by subject.
    pub(crate) at_rate: Vec<AtRate>,
}

impl Measured {
    /// Nothing yet, of so many subjects.
    pub(crate) fn none(protocol: Protocol, subjects: usize) -> Self {
        Self { protocol, costs: vec![Vec::new(); subjects], at_rate: vec![AtRate::default(); subjects] }
    }
}

/// One subject under one protocol.
pub(crate) struct Row {
    /// Its name in files.
    pub(crate) name: &'static str,
    /// What it is, for people.
    pub(crate) title: &'static str,
    /// What was spoken.
    pub(crate) protocol: Protocol,
    /// What a request costs.
    pub(crate) cost: Cost,
    /// What it costs beyond what it costs Envoy alone.
    pub(crate) added: Cost,
    /// That, as a multiple of what each of [`GOALS`] adds.
    pub(crate) ratios: [Cost; GOALS.len()],
    /// Microseconds that [`PARTS`] of all answers took at most, at a fixed rate.
    pub(crate) latency: [f64; PARTS.len()],
    /// What a request costs at that rate.
    pub(crate) at_rate: Cost,
    /// What it costs there beyond what it costs Envoy alone.
    pub(crate) added_at_rate: Cost,
}

/// Microseconds a request over all rounds, or a ratio of these.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    /// The best decile of all rounds.
    pub(crate) best: f64,
    /// The median.
    pub(crate) median: f64,
}

impl Cost {
    fn of(rounds: &[f64]) -> Self {
        Self { best: quantile(rounds, 0.1), median: quantile(rounds, 0.5) }
    }

    /// What a request costs beyond what it costs another subject. Its median is that of the rounds' differences: how
    /// fast the machine is changes from round to round, and the subjects of one round see nearly the same.
    fn beyond(rounds: &[f64], others: &[f64]) -> Self {
        let differences: Vec<f64> = rounds.iter().zip(others).map(|(own, other)| own - other).collect();
        Self { best: Self::of(rounds).best - Self::of(others).best, median: Self::of(&differences).median }
    }

    fn times(self, other: Self) -> Self {
        Self { best: self.best / other.best, median: self.median / other.median }
    }
}

/// The rows of one protocol.
pub(crate) fn rows(subjects: &[Subject], measured: &Measured) -> Vec<Row> {
    let Measured { protocol, costs, at_rate } = measured;
    let place = |name: &str| subjects.iter().position(|subject| subject.name == name).unwrap_or_default();
    let bare = place(BARE);
    let added = |place: usize| Cost::beyond(&costs[place], &costs[bare]);
    let row = |(index, subject): (usize, &Subject)| {
        let own = added(index);
        Row {
            name: subject.name,
            title: subject.title,
            protocol: *protocol,
            cost: Cost::of(&costs[index]),
            added: own,
            ratios: GOALS.map(|(name, _)| own.times(added(place(name)))),
            latency: at_rate[index].latency(),
            at_rate: Cost::of(&at_rate[index].costs),
            added_at_rate: Cost::beyond(&at_rate[index].costs, &at_rate[bare].costs),
        }
    };
    subjects.iter().enumerate().map(row).collect()
}
