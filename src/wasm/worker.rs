//! An Envoy worker as the engine's host: one type for each port. [`super::clocks`] and [`super::shared_data`] have the
//! clocks and the ledger.

use super::abi::{self, Map};
use super::vm_state::VmState;
use certgate_core::domain::client::{ClientIndex, TierIndex};
use certgate_core::domain::credential::CredentialIndex;
use certgate_core::domain::decision::Reason;
use certgate_core::domain::limit::Limit;
use certgate_core::domain::policy::{Audit, Policy};
use certgate_core::domain::time::UnixSeconds;
use certgate_core::engine::host::{Headers, HostFailure, Peer, Telemetry};
use certgate_core::telemetry::audit_event::Event;
use certgate_core::telemetry::counters;
use certgate_core::telemetry::expiry_gauges::PolicyGauges;

/// The telemetry of a request under one configuration.
pub(super) struct RequestTelemetry<'a> {
    pub(super) vm: &'a VmState,
    pub(super) counters: &'a counters::Counters,
    pub(super) expiries: &'a PolicyGauges,
    pub(super) policy: &'a Policy,
}

/// The telemetry of a request that no configuration could decide.
pub(super) struct Undecided<'a> {
    pub(super) vm: &'a VmState,
    pub(super) audit: Audit,
}

/// The connection of the current request.
pub(super) struct Connection;

impl Peer for Connection {
    fn digest(&self) -> Result<Option<Vec<u8>>, HostFailure> {
        present("connection\0sha256_peer_certificate_digest")
    }

    fn certificate(&self) -> Result<Option<Vec<u8>>, HostFailure> {
        match present("connection\0peer_certificate")? {
            Some(certificate) => Ok(Some(certificate)),
            // Envoy before 1.39 has no such property. A set_filter_state filter may have written the certificate to
            // this key, or `-` if there is none.
            None => present("filter_state\0certgate.peer_certificate").map(|text| text.filter(|text| text != b"-")),
        }
    }

    fn verified(&self) -> Result<bool, HostFailure> {
        // Envoy has this property from 1.39 on, as a byte.
        Ok(present("connection\0peer_certificate_valid")?.is_some_and(|valid| valid == [1]))
    }

    fn server_name(&self) -> Result<Option<Vec<u8>>, HostFailure> {
        present("connection\0requested_server_name")
    }

    fn token_thumbprint(&self) -> Result<Option<Vec<u8>>, HostFailure> {
        // With `payload_in_metadata: certgate`, jwt_authn writes the payload of a verified token here.
        let path = "metadata\0filter_metadata\0envoy.filters.http.jwt_authn\0certgate\0cnf\0x5t#S256";
        // Envoy returns an error for a JSON null. It counts as absent, which the rule refuses.
        Ok(present(path).unwrap_or_default())
    }
}

/// A property that is not empty. Without a certificate, some properties are empty and others absent.
fn present(path: &str) -> Result<Option<Vec<u8>>, HostFailure> {
    abi::property(path).map(|value| value.filter(|value| !value.is_empty()))
}

impl Headers for Map {
    fn add(&self, name: &str, value: &[u8]) -> Result<(), HostFailure> {
        abi::add(*self, name.as_bytes(), value)
    }

    fn set(&self, name: &str, value: &[u8]) -> Result<(), HostFailure> {
        abi::set(*self, name.as_bytes(), value)
    }

    fn remove(&self, name: &[u8]) -> Result<(), HostFailure> {
        abi::remove(*self, name)
    }
}

impl Telemetry for RequestTelemetry<'_> {
    fn decided(&self, reason: Option<Reason>, tier: Option<TierIndex>, client: Option<ClientIndex>) {
        self.counters.decided(&self.vm.metrics, self.policy, reason, tier, client);
    }

    fn limit_exceeded(&self, tier: Option<TierIndex>, limit: &Limit) {
        self.counters.limit_exceeded(&self.vm.metrics, self.policy, tier, limit);
    }

    fn dates_unchecked(&self) {
        self.counters.dates_unchecked(&self.vm.metrics);
    }

    fn parsed(&self, credential: CredentialIndex, not_after: UnixSeconds) {
        self.expiries.seen(&self.vm.metrics, credential, not_after);
    }

    fn filter_state(&self, key: &str, value: &str) {
        set_filter_state(key, value);
    }

    fn log<'e>(&self, reason: Option<Reason>, event: impl FnOnce() -> Event<'e>) {
        self.vm.log.write(self.policy.audit, reason, event);
    }
}

impl Telemetry for Undecided<'_> {
    fn decided(&self, _: Option<Reason>, _: Option<TierIndex>, _: Option<ClientIndex>) {
        counters::undecided(&self.vm.metrics);
    }

    fn filter_state(&self, key: &str, value: &str) {
        set_filter_state(key, value);
    }

    fn log<'e>(&self, reason: Option<Reason>, event: impl FnOnce() -> Event<'e>) {
        self.vm.log.write(self.audit, reason, event);
    }
}

fn set_filter_state(key: &str, value: &str) {
    let _ = abi::set_property(key, value.as_bytes());
}
