//! Fixtures that the core's tests share: certificates, configurations and engines, requests and their outcomes.

pub(crate) mod limits;
pub(crate) mod openssl;

use certgate_core::domain::decision::Reason;
use certgate_core::domain::time::Nanos;
use certgate_core::engine::{Engine, Outcome};
use certgate_test_support::certificates::{self, Authority, IssuedCertificate, Period, Template};
use certgate_test_support::fakes::{Decided, Fake, FakeLedger, engine_since};
use certgate_test_support::registry::{self, merge};
use rcgen::DnType;
use serde_json::{Value, json};
use time::OffsetDateTime;

// Certificates.

/// The moment of all requests, 2033-05-18T03:33:20Z.
pub(crate) const NOW: i64 = 2_000_000_000;

/// A period from and to these days, counted from [`NOW`].
pub(crate) fn days(from: i64, to: i64) -> Period {
    certificates::days(OffsetDateTime::from_unix_timestamp(NOW).unwrap(), (from, to))
}

/// A certificate that is valid for a day, with the serial number 1.
pub(crate) fn leaf() -> Template {
    Template::new(&[(DnType::CommonName, "leaf")]).valid(days(-1, 1)).serial(1)
}

/// An authority with this name.
pub(crate) fn authority_named(name: &[(DnType, &str)]) -> Authority {
    Authority::new(&Template::authority(name))
}

/// An authority.
pub(crate) fn authority() -> Authority {
    authority_named(&[(DnType::CommonName, "CA")])
}

// Configurations.

/// A client with one credential, without limits.
pub(crate) fn client(alias: &str, credential: &Value) -> Value {
    registry::client(alias, "unlimited", credential)
}

/// A configuration of these clients, with the entries of `more`.
pub(crate) fn configuration(clients: &[(&str, Value)], more: &Value) -> Value {
    let clients: Vec<_> = clients.iter().map(|(alias, credential)| client(alias, credential)).collect();
    merge(registry::registry(&[("unlimited", json!([]))], &clients), more)
}

/// The engine of a worker that activates this configuration at [`NOW`].
pub(crate) fn engine(configuration: &Value, ledger: &FakeLedger) -> Engine {
    engine_since(NOW, configuration, ledger)
}

/// The engine of a worker that activates a configuration of these clients, with the entries of `more`.
pub(crate) fn engine_of(clients: &[(&str, Value)], more: &Value) -> Engine {
    engine(&configuration(clients, more), &FakeLedger::default())
}

/// The option of a listener that is stated to verify every certificate.
pub(crate) fn listener() -> Value {
    json!({"identity": {"chain": "listener"}})
}

// Requests.

/// A connection with this certificate.
pub(crate) fn fake<'s>(leaf: &IssuedCertificate) -> Fake<'s> {
    Fake { digest: Some(leaf.fingerprint.clone().into()), certificate: Some(leaf.pem.clone().into()), ..nobody() }
}

/// A connection with this certificate, of which the host says that it has verified the chain.
pub(crate) fn verified<'s>(leaf: &IssuedCertificate) -> Fake<'s> {
    Fake { verified: true, ..fake(leaf) }
}

/// A connection without a certificate.
pub(crate) fn nobody<'s>() -> Fake<'s> {
    Fake { monotonic: Nanos(1_000_000_000_000), wall: NOW, ..Fake::default() }
}

/// The outcome of one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The status of the reply; `None`: the request was forwarded.
    pub(crate) status: Option<u32>,
    /// The reason that was counted.
    pub(crate) reason: Option<Reason>,
    /// The alias that upstreams get.
    pub(crate) alias: Option<String>,
}

/// Sends a request with these headers, and with a forged alias.
pub(crate) fn send(engine: &Engine, fake: &Fake<'_>, headers: &[(&str, &str)]) -> Sent {
    let named = |name: &str| headers.iter().any(|(other, _)| *other == name);
    let usual = [(":method", "GET"), (":authority", "shop.example"), (":path", "/")];
    let usual = usual.into_iter().filter(|(name, _)| !named(name));
    let all: Vec<_> = usual.chain([("x-client-alias", "forged")]).chain(headers.iter().copied()).collect();
    fake.headers.replace(all.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect());
    let outcome = fake.handle(engine, all.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    let decided = fake.decided.take();
    let [Decided(reason, ..)] = decided[..] else { panic!("counted {} times", decided.len()) };
    let (status, alias) = match outcome {
        Outcome::Forward(_) => (None, header(fake, "x-client-alias")),
        Outcome::Reply(reply) => (Some(reply.status), None),
    };
    Sent { status, reason, alias }
}

/// The value of this header that upstreams get.
pub(crate) fn header(fake: &Fake<'_>, name: &str) -> Option<String> {
    let headers = fake.headers.borrow();
    let mut values = headers.iter().filter(|(other, _)| other == name.as_bytes());
    let value = values.next().map(|(_, value)| String::from_utf8(value.clone()).unwrap());
    assert!(values.next().is_none(), "{name} goes upstream more than once");
    value
}

/// The alias under which a request with these headers goes on, `nobody` without one, or the reason of its refusal.
pub(crate) fn who_with(engine: &Engine, fake: &Fake<'_>, headers: &[(&str, &str)]) -> String {
    match send(engine, fake, headers) {
        Sent { reason: Some(reason), .. } => reason.as_str().to_owned(),
        Sent { alias, .. } => alias.unwrap_or_else(|| "nobody".to_owned()),
    }
}

/// The alias under which a request goes on, `nobody` without one, or the reason of its refusal.
pub(crate) fn who(engine: &Engine, fake: &Fake<'_>) -> String {
    who_with(engine, fake, &[])
}

/// The SPIFFE ID of [`cart`].
pub(crate) const CART: &str = "spiffe://example.org/ns/shop/sa/cart";

/// A certificate with names of all kinds.
pub(crate) fn cart(authority: &Authority) -> IssuedCertificate {
    let subject = [(DnType::CommonName, "cart"), (DnType::OrganizationalUnitName, "shop")];
    authority.issue(&leaf().subject(&subject).uris([CART]).hosts(["cart.shop.example", "cart.example"]))
}
