//! Bandwidth: the bytes of bodies, taken from the limits that count them while they pass. A request needs only something
//! left when it begins; so at most `burst + rate x t` passes, and what the streams carry that were open when it ran dry.

use super::Engine;
use super::account::Account;
use super::host::{Clock, Counters, Store};
use super::swap::{Change, update};
use super::throttle::Draw;
use crate::domain::time::Nanos;

/// So many bytes of a stream are charged at once, however quickly they come.
const MOST: u64 = 1 << 20;

/// Bytes that come later than this after the last charge are charged at once.
const LONGEST: Nanos = Nanos(Nanos::PER_SECOND);

/// One request's bytes.
#[derive(Debug)]
pub struct Meter {
    account: Account,
    /// Where the buckets lie that are charged.
    key: String,
    /// The limits in shadow that held nothing when it began, which give nothing, by place.
    spared: Vec<usize>,
    /// Passed, and not charged yet.
    passed: u64,
    charged_at: Nanos,
}

impl Engine {
    /// The meter for a request on this account, of the client with this alias, that has begun now; `None` if nothing
    /// counts its bytes.
    pub(super) fn meter(&self, account: &Account, alias: Option<&str>, draw: &Draw) -> Option<Box<Meter>> {
        self.plan(account)?.by_bytes.then(|| {
            let (spared, charged_at) = (draw.take.short.clone(), draw.at.monotonic);
            Box::new(Meter { account: *account, key: self.key(alias), spared, passed: 0, charged_at })
        })
    }

    /// Counts bytes that pass, and charges for them once they are many or it is time.
    pub fn pass(&self, host: &(impl Store + Clock + Counters), meter: &mut Meter, bytes: u64) {
        meter.passed = meter.passed.saturating_add(bytes);
        let now = host.monotonic();
        if meter.passed >= MOST || now.since(meter.charged_at) >= LONGEST {
            meter.charged_at = now;
            self.settle(host, meter);
        }
    }

    /// Charges for what has passed. If the store cannot be had, it stays to be charged; so many bytes.
    pub fn settle(&self, host: &(impl Store + Clock + Counters), meter: &mut Meter) -> u64 {
        if meter.passed == 0 {
            return 0;
        }
        let limits = self.limits(&meter.account);
        let wall = host.wall();
        let charge = |stored| {
            let (mut buckets, at) = self.read(host, stored, wall);
            buckets.charge(limits, &meter.spared, meter.passed, &at);
            Change::Write(buckets)
        };
        if update(host, &meter.key, charge, || host.store_conflict()).is_ok() {
            meter.passed = 0;
        }
        meter.passed
    }
}
