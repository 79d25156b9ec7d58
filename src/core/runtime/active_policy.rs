//! A policy that is active: its engine, and its counters and gauges.

use super::activation::Activation;
use super::announcement::announce;
use super::crl_watch::CrlWatch;
use crate::domain::policy::Policy;
use crate::domain::time::UnixSeconds;
use crate::engine::Engine;
use crate::telemetry::counters::{self, Counters};
use crate::telemetry::expiry_gauges::{ExpiryGauges, PolicyGauges};
use crate::telemetry::log::Log;
use crate::telemetry::metrics::MetricSink;

/// The outputs of a host for an activation.
pub struct Publisher<'t, M, L> {
    /// The host's metrics.
    pub metrics: &'t M,
    /// The expiry gauges that the host has published.
    pub gauges: &'t ExpiryGauges,
    /// The host's log.
    pub log: &'t L,
}

/// A policy by which requests are decided.
pub struct ActivePolicy {
    /// Decides requests.
    pub engine: Engine,
    /// Counts decisions.
    pub counters: Counters,
    /// The expiry gauges of the policy's credentials.
    pub expiries: PolicyGauges,
    crl_watch: CrlWatch,
}

impl ActivePolicy {
    /// Activates `policy` for the plugin with this name. The newest configuration of a plugin sets its gauges; the first
    /// worker that activates the newest configuration logs it.
    pub fn activate(
        policy: Policy,
        Activation { now, generation: counter, newest, first }: Activation,
        plugin: &str,
        publisher: &Publisher<'_, impl MetricSink, impl Log>,
    ) -> Self {
        let mut expiries = PolicyGauges::default();
        if newest {
            let generation = counter.current();
            counters::set_configuration_gauges(publisher.metrics, &policy, generation);
            if first {
                announce(&policy, generation.0, now, publisher.log);
            }
            expiries = publisher.gauges.activate(publisher.metrics, plugin, (generation, first), &policy);
        }
        let counters = Counters::new(&policy);
        let engine = Engine::new(policy, counter);
        Self { engine, counters, expiries, crl_watch: CrlWatch::new(now) }
    }

    /// Logs which CRLs have become overdue since the last call, or since the activation. Returns the seconds after
    /// which a host should call again; `None` if there is no need to.
    pub fn watch_crls(&self, now: UnixSeconds, log: &impl Log) -> Option<u64> {
        self.crl_watch.look(&self.engine.policy().revocation_lists, now, log)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::engine::generation::Hash;
    use crate::engine::ledger::{Change, Entry, Ledger, Unavailable};
    use crate::runtime::crl_watch::tests::crls;
    use crate::telemetry::log::Level;
    use crate::telemetry::log::fake::FakeLog;
    use crate::telemetry::metrics::fake::FakeMetrics;
    use std::cell::RefCell;

    const NOW: UnixSeconds = UnixSeconds(1_000);

    const REGISTRY: &str = r#"{"version": 1, "tiers": {"gold": {}},
        "clients": [{"alias": "a", "tier": "gold", "credentials": [{"uri_san": "spiffe://a/*"}]}]}"#;

    const SHADOW: &str = r#"{"version": 1, "mode": "shadow", "tiers": {"gold": {}}, "clients": []}"#;

    fn policy(registry: &str) -> Policy {
        config::read(registry.as_bytes()).unwrap()
    }

    /// The generation, which workers share.
    #[derive(Default)]
    struct FakeLedger(RefCell<Option<Vec<u8>>>);

    impl Ledger for FakeLedger {
        fn update<T: AsRef<[u8]>, E: From<Unavailable>>(
            &self,
            entry: Entry<'_>,
            mut compute: impl FnMut(Option<Vec<u8>>) -> Result<Change<T>, E>,
        ) -> Result<T, E> {
            assert_eq!(entry, Entry::Generation);
            let stored = self.0.borrow().clone();
            Ok(match compute(stored)? {
                Change::Keep(unchanged) => unchanged,
                Change::Write(changed) => {
                    self.0.replace(Some(changed.as_ref().to_vec()));
                    changed
                }
            })
        }
    }

    /// A worker and the values that it shares with others.
    #[derive(Default)]
    struct Worker {
        ledger: FakeLedger,
        metrics: FakeMetrics,
        gauges: ExpiryGauges,
        log: FakeLog,
    }

    impl Worker {
        fn activate(&self, policy: Policy, hash: Hash, former: Option<&ActivePolicy>) -> ActivePolicy {
            let former = former.map(|former| former.engine.generation());
            let activation = Activation::new(&self.ledger, hash, former, NOW).unwrap();
            let publisher = Publisher { metrics: &self.metrics, gauges: &self.gauges, log: &self.log };
            ActivePolicy::activate(policy, activation, "certgate", &publisher)
        }

        fn assert_gauges(&self, generation: u64, enforcing: u64) {
            self.metrics.assert_values(&[
                ("certgate_config_generation{}", generation),
                ("certgate_crl_next_update_timestamp_seconds{}", 0),
                ("certgate_enforcing{}", enforcing),
            ]);
        }
    }

    #[test]
    fn an_activation_sets_the_gauges_and_is_logged_once() {
        let worker = Worker::default();
        worker.activate(policy(REGISTRY), [1; 16], None);
        worker.assert_gauges(1, 1);
        worker.log.assert_lines(&[
            (Level::Info, "configuration 1 is active: 1 clients, 1 credentials, 1 tiers"),
            (
                Level::Info,
                "configuration 1: names in certificates count where Envoy says that it has verified the chain, \
                 which it says of no resumed TLS session",
            ),
        ]);
        worker.activate(policy(REGISTRY), [1; 16], None);
        worker.log.assert_lines(&[]);
        worker.activate(policy(SHADOW), [2; 16], None);
        worker.assert_gauges(2, 0);
        worker.log.assert_lines(&[
            (Level::Info, "configuration 2 is active: 0 clients, 0 credentials, 1 tiers"),
            (Level::Warn, "configuration 2 is in shadow mode: certgate enforces nothing"),
        ]);
    }

    #[test]
    fn a_former_configuration_sets_no_gauge_until_it_is_the_newest_again() {
        let worker = Worker::default();
        let former = worker.activate(policy(REGISTRY), [1; 16], None);
        worker.activate(policy(SHADOW), [2; 16], None);
        worker.log.take();
        let again = worker.activate(policy(REGISTRY), [1; 16], Some(&former));
        worker.assert_gauges(2, 0);
        // Another worker gets the former configuration as a new one.
        worker.activate(policy(REGISTRY), [1; 16], None);
        worker.log.take();
        worker.activate(policy(REGISTRY), [1; 16], Some(&again));
        worker.assert_gauges(3, 1);
        worker.log.assert_lines(&[]);
    }

    #[test]
    fn a_crl_that_is_overdue_is_in_the_announcement_and_not_reported_again() {
        let worker = Worker::default();
        let crls = crls(&[Some(999), Some(1_010)]);
        let active = worker.activate(Policy { revocation_lists: crls, ..policy(SHADOW) }, [1; 16], None);
        let lines = worker.log.take();
        let last = lines.last().map(|(level, line)| (*level, line.as_str()));
        assert_eq!(last, Some((Level::Warn, r#"configuration 1: the next CRL is overdue of crls[0] "CN=Shop CA""#)));
        assert_eq!(active.watch_crls(NOW, &worker.log), Some(11));
        worker.log.assert_lines(&[]);
        assert_eq!(active.watch_crls(UnixSeconds(1_011), &worker.log), None);
        worker.log.assert_lines(&[(Level::Warn, r#"the next CRL is overdue of crls[1] "CN=Shop CA""#)]);
    }

    #[test]
    fn threads_of_a_host_can_share_an_active_policy() {
        fn shared<T: Send + Sync>() {}
        shared::<ActivePolicy>();
    }
}
