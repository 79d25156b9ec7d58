//! A host in memory, for tests of the engine: it does what Envoy does as far as the engine can tell, lets a test set
//! the clocks, and fails where a test wants it to. Not in the module.

use certgate_core::certificate;
use certgate_core::config;
use certgate_core::domain::client::{ClientIndex, TierIndex};
use certgate_core::domain::credential::CredentialIndex;
use certgate_core::domain::decision::Reason;
use certgate_core::domain::limit::Limit;
use certgate_core::domain::policy::Policy;
use certgate_core::domain::time::{Nanos, UnixSeconds};
use certgate_core::engine::generation::{GenerationCounter, Hash};
use certgate_core::engine::host::{Clock, Headers, HostFailure, Peer, Telemetry};
use certgate_core::engine::ledger::{Change, Entry, Ledger, Unavailable};
use certgate_core::engine::{Engine, Outcome, apply};
use certgate_core::telemetry::audit_event::{Circumstances, Event};
use certgate_core::telemetry::audit_log::Facts;
use certgate_core::telemetry::presented_certificate::PresentedCertificate;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// The calls that fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// No call.
    #[default]
    None,
    /// Each call for a property of the connection.
    Property,
    /// Each read of a shared value.
    Read,
    /// Each write of a shared value.
    Write,
    /// No call, but other workers are always quicker.
    Contended,
    /// Each removal of a header.
    Remove,
    /// Each setting of a header.
    Set,
    /// Each read of the monotonic clock.
    Monotonic,
    /// Each read of the calendar.
    Wall,
}

/// The values that workers share. They outlive the [`Fake`]s that use them, as Envoy's outlive a request.
#[derive(Debug, Default)]
pub struct FakeLedger {
    values: RefCell<HashMap<String, Vec<u8>>>,
    writes: Cell<usize>,
}

impl FakeLedger {
    /// All values, by their keys.
    pub fn values(&self) -> HashMap<String, Vec<u8>> {
        self.values.borrow().clone()
    }

    /// How often a value was written.
    pub fn writes(&self) -> usize {
        self.writes.get()
    }

    /// Overwrites a client's buckets, as another version of the module might.
    pub fn overwrite(&self, alias: &str, value: &[u8]) {
        self.values.borrow_mut().insert(key(Entry::Client(alias)), value.to_vec());
    }
}

fn key(entry: Entry<'_>) -> String {
    match entry {
        Entry::Client(alias) => format!("buckets:{alias}"),
        Entry::Anonymous => "buckets:~anonymous".to_owned(),
        Entry::Generation => "generation".to_owned(),
    }
}

impl Ledger for FakeLedger {
    fn update<T: AsRef<[u8]>, E: From<Unavailable>>(
        &self,
        entry: Entry<'_>,
        mut compute: impl FnMut(Option<Vec<u8>>) -> Result<Change<T>, E>,
    ) -> Result<T, E> {
        let stored = self.values.borrow().get(&key(entry)).cloned();
        Ok(match compute(stored)? {
            Change::Keep(unchanged) => unchanged,
            Change::Write(changed) => {
                self.writes.set(self.writes.get().saturating_add(1));
                self.values.borrow_mut().insert(key(entry), changed.as_ref().to_vec());
                changed
            }
        })
    }
}

/// The engine of a worker that activates this configuration at this moment of the calendar.
///
/// # Panics
///
/// If the configuration has errors.
pub fn engine_since(now: i64, configuration: &Value, ledger: &FakeLedger) -> Engine {
    let bytes = configuration.to_string().into_bytes();
    let hash = *certificate::fingerprint(&bytes).as_bytes().first_chunk().expect("16 of 32 bytes");
    let policy = config::read(&bytes).unwrap_or_else(|errors| panic!("{configuration:#}: {errors}"));
    engine_of_policy(now, hash, policy, ledger)
}

/// The engine of a worker that activates this configuration after the former one, from a snapshot.
///
/// # Panics
///
/// If one of them has errors.
pub fn engine_after(now: i64, former: &Value, configuration: &Value, ledger: &FakeLedger) -> Engine {
    let compile = |configuration: &Value, former: &dyn Fn() -> Option<Vec<u8>>| {
        let bytes = configuration.to_string().into_bytes();
        let snapshot = config::compile_after(&bytes, config::Capabilities::default(), former);
        snapshot.unwrap_or_else(|errors| panic!("{configuration:#}: {errors}")).expect("a snapshot")
    };
    let former = compile(former, &|| None);
    let snapshot = compile(configuration, &|| Some(former.clone()));
    engine_of_policy(now, [2; 16], config::load(snapshot).expect("a policy"), ledger)
}

fn engine_of_policy(now: i64, hash: Hash, policy: Policy, ledger: &FakeLedger) -> Engine {
    let (generation, _) = GenerationCounter::take_up(ledger, hash, UnixSeconds(now)).expect("a ledger without faults");
    Engine::new(policy, generation)
}

/// A request that was counted: the reason of its refusal, its tier and its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided(pub Option<Reason>, pub Option<TierIndex>, pub Option<ClientIndex>);

/// A worker with one request.
#[derive(Debug, Default)]
pub struct Fake<'s> {
    /// The values that it shares with other workers.
    pub store: Option<&'s FakeLedger>,
    /// The peer certificate's digest in hexadecimal.
    pub digest: Option<Vec<u8>>,
    /// The peer certificate as text.
    pub certificate: Option<Vec<u8>>,
    /// The name that the connection was made for.
    pub server_name: Option<Vec<u8>>,
    /// The thumbprint in the request's token.
    pub token_thumbprint: Option<Vec<u8>>,
    /// Whether the host says that it has verified the certificate's chain.
    pub verified: bool,
    /// The monotonic clock.
    pub monotonic: Nanos,
    /// The calendar, in seconds since 1970.
    pub wall: i64,
    /// The peer certificate's subject.
    pub subject: Option<Vec<u8>>,
    /// The request's headers.
    pub headers: RefCell<Vec<(Vec<u8>, Vec<u8>)>>,
    /// The calls that fail.
    pub fault: Fault,
    /// The values that were written to filter state.
    pub filter_state: RefCell<Vec<(String, String)>>,
    /// The requests that were counted.
    pub decided: RefCell<Vec<Decided>>,
    /// The limits that were counted as used up: tier and name.
    pub limits_exceeded: RefCell<Vec<(Option<TierIndex>, String)>>,
    /// Requests of certificates without known dates.
    pub dates_unchecked: Cell<usize>,
    /// The credentials whose certificates were parsed, with `notAfter`.
    pub parsed: RefCell<Vec<(CredentialIndex, UnixSeconds)>>,
    /// How often the certificate was read.
    pub certificate_reads: Cell<usize>,
    /// How often it was asked whether the chain is verified.
    pub verified_reads: Cell<usize>,
    /// The log's lines.
    pub lines: RefCell<Vec<String>>,
}

const FAILURE: HostFailure = HostFailure::new("as the test wants it");

impl Fake<'_> {
    /// Decides the request with these headers, and applies the decision to this worker's request.
    pub fn handle<'h>(&self, engine: &Engine, headers: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone) -> Outcome {
        apply::handle(engine, self, self, self, self, self, headers)
    }

    fn fail_at(&self, fault: Fault) -> Result<(), HostFailure> {
        if self.fault == fault { Err(FAILURE) } else { Ok(()) }
    }
}

impl Peer for Fake<'_> {
    fn digest(&self) -> Result<Option<Vec<u8>>, HostFailure> {
        self.fail_at(Fault::Property).map(|()| self.digest.clone())
    }

    fn certificate(&self) -> Result<Option<Vec<u8>>, HostFailure> {
        self.certificate_reads.set(self.certificate_reads.get().saturating_add(1));
        self.fail_at(Fault::Property).map(|()| self.certificate.clone())
    }

    fn verified(&self) -> Result<bool, HostFailure> {
        self.verified_reads.set(self.verified_reads.get().saturating_add(1));
        self.fail_at(Fault::Property).map(|()| self.verified)
    }

    fn server_name(&self) -> Result<Option<Vec<u8>>, HostFailure> {
        self.fail_at(Fault::Property).map(|()| self.server_name.clone())
    }

    fn token_thumbprint(&self) -> Result<Option<Vec<u8>>, HostFailure> {
        self.fail_at(Fault::Property).map(|()| self.token_thumbprint.clone())
    }
}

impl Headers for Fake<'_> {
    fn add(&self, name: &str, value: &[u8]) -> Result<(), HostFailure> {
        self.fail_at(Fault::Set)?;
        self.headers.borrow_mut().push((name.as_bytes().to_vec(), value.to_vec()));
        Ok(())
    }

    fn set(&self, name: &str, value: &[u8]) -> Result<(), HostFailure> {
        self.fail_at(Fault::Set)?;
        self.headers.borrow_mut().retain(|(other, _)| other != name.as_bytes());
        self.add(name, value)
    }

    fn remove(&self, name: &[u8]) -> Result<(), HostFailure> {
        self.fail_at(Fault::Remove)?;
        self.headers.borrow_mut().retain(|(other, _)| other != name);
        Ok(())
    }
}

impl Ledger for Fake<'_> {
    fn update<T: AsRef<[u8]>, E: From<Unavailable>>(
        &self,
        entry: Entry<'_>,
        mut compute: impl FnMut(Option<Vec<u8>>) -> Result<Change<T>, E>,
    ) -> Result<T, E> {
        let failed = |fault| self.fail_at(fault).map_err(Unavailable::from);
        failed(Fault::Read)?;
        self.store.ok_or(Unavailable::Failed(FAILURE))?.update(entry, |stored| {
            let change = compute(stored)?;
            if let Change::Write(_) = change {
                failed(Fault::Write)?;
                if self.fault == Fault::Contended {
                    return Err(Unavailable::Contended.into());
                }
            }
            Ok(change)
        })
    }
}

impl Clock for Fake<'_> {
    fn monotonic(&self) -> Result<Nanos, HostFailure> {
        self.fail_at(Fault::Monotonic).map(|()| self.monotonic)
    }

    fn wall(&self) -> Result<UnixSeconds, HostFailure> {
        self.fail_at(Fault::Wall).map(|()| UnixSeconds(self.wall))
    }
}

impl Telemetry for Fake<'_> {
    fn decided(&self, reason: Option<Reason>, tier: Option<TierIndex>, client: Option<ClientIndex>) {
        self.decided.borrow_mut().push(Decided(reason, tier, client));
    }

    fn limit_exceeded(&self, tier: Option<TierIndex>, limit: &Limit) {
        self.limits_exceeded.borrow_mut().push((tier, limit.name.to_string()));
    }

    fn dates_unchecked(&self) {
        self.dates_unchecked.set(self.dates_unchecked.get().saturating_add(1));
    }

    fn parsed(&self, credential: CredentialIndex, not_after: UnixSeconds) {
        self.parsed.borrow_mut().push((credential, not_after));
    }

    fn filter_state(&self, key: &str, value: &str) {
        self.filter_state.borrow_mut().push((key.to_owned(), value.to_owned()));
    }

    fn log<'e>(&self, _: Option<Reason>, event: impl FnOnce() -> Event<'e>) {
        let event = event();
        let certificate = PresentedCertificate::of(&event, self);
        let known = Circumstances { certificate: certificate.as_ref(), ..Circumstances::default() };
        self.lines.borrow_mut().push(event.line(&known));
    }
}

/// The facts for a log line. Reads of the certificate for a line are not counted.
impl Facts for Fake<'_> {
    fn time(&self) -> Option<u64> {
        None
    }

    fn source(&self) -> Option<Vec<u8>> {
        None
    }

    fn certificate(&self) -> Option<Vec<u8>> {
        self.certificate.clone()
    }

    fn subject(&self) -> Option<Vec<u8>> {
        self.subject.clone()
    }

    fn verified(&self) -> bool {
        self.verified
    }
}
