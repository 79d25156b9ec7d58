//! The resident memory of a process over time, and whether it is flat.

use std::fmt;
use std::fs;

/// The memory of a process, sampled.
pub(super) struct Memory {
    process: u32,
    /// In MiB.
    samples: Vec<f64>,
}

impl Memory {
    pub(super) fn of(process: u32) -> Self {
        Self { process, samples: Vec::new() }
    }

    pub(super) fn sample(&mut self) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process)).expect("a process that runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("resident memory");
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().expect("kilobytes");
        self.samples.push(kilobytes / 1024.0);
    }

    /// Panics if it has grown by more than [`GROWTH`] since it was warm.
    pub(super) fn assert_flat(&self) {
        let (warm, end) = self.warm_and_end();
        assert!(
            end <= warm * (1.0 + GROWTH),
            "resident memory grew from {warm:.1} to {end:.1} MiB: {:?}",
            self.samples
        );
    }

    /// The median from the first third, in which everything is used for the first time, to the half, and the median of the
    /// last sixth.
    fn warm_and_end(&self) -> (f64, f64) {
        let count = self.samples.len();
        (median(&self.samples[count / 3..count / 2]), median(&self.samples[count - count / 6..]))
    }
}

/// So much may come from chance, as a share: it was 0.01 in ten minutes, with 120 reloads. In a minute, with eight reloads between the two
/// medians, a VM or a registry that is left behind at each reload is more; in ten minutes, a few hundred kilobytes are.
const GROWTH: f64 = 0.06;

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} MiB resident", self.samples.last().copied().unwrap_or_default())
    }
}

#[test]
fn what_a_megabyte_and_a_half_is_lost_of_at_each_reload_is_not_flat() {
    let samples = |lost: f64| (0..57).map(|second| 123.0 + lost * f64::from(second / 5)).collect();
    let (warm, end) = Memory { process: 0, samples: samples(1.5) }.warm_and_end();
    assert!(end > warm * (1.0 + GROWTH), "{warm} {end}");
    Memory { process: 0, samples: samples(0.2) }.assert_flat();
}
