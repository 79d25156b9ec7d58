//! What the core's tests share: certificates, configurations and engines, requests and their outcomes.

pub(crate) mod limits;
pub(crate) mod openssl;

use certgate_core::certificate;
use certgate_core::certificate::contents::CertificateContents;
use certgate_core::domain::decision::Reason;
use certgate_core::domain::time::{Nanos, UnixSeconds};
use certgate_core::engine::generation::GenerationCounter;
use certgate_core::engine::{Engine, Outcome};
use certgate_test_support::fakes::{Decided, Fake, FakeLedger};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData, RevokedCertParams, SanType, SerialNumber,
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

// Certificates.

/// The moment of all requests, 2033-05-18T03:33:20Z.
pub(crate) const NOW: i64 = 2_000_000_000;

/// The names in a certificate, and when it is valid, in days from now.
#[derive(Clone, Copy)]
pub(crate) struct Names<'n> {
    pub(crate) subject: &'n [(DnType, &'n str)],
    pub(crate) uris: &'n [&'n str],
    pub(crate) hosts: &'n [&'n str],
    pub(crate) days: (i64, i64),
    pub(crate) serial: u64,
}

impl Default for Names<'_> {
    fn default() -> Self {
        Self { subject: &[(DnType::CommonName, "leaf")], uris: &[], hosts: &[], days: (-1, 1), serial: 1 }
    }
}

impl Names<'_> {
    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = distinguished_name(self.subject);
        (params.not_before, params.not_after) = (moment(self.days.0), moment(self.days.1));
        params.serial_number = Some(self.serial.into());
        let uris = self.uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap()));
        let hosts = self.hosts.iter().map(|host| SanType::DnsName((*host).try_into().unwrap()));
        params.subject_alt_names = uris.chain(hosts).collect();
        params
    }

    /// A certificate that nobody else has signed.
    pub(crate) fn self_signed(&self) -> Leaf {
        let key = KeyPair::generate().unwrap();
        Leaf::of(&self.params().self_signed(&key).unwrap(), &key)
    }
}

pub(crate) fn moment(days: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(NOW).unwrap() + Duration::days(days)
}

pub(crate) fn distinguished_name(attributes: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    attributes.iter().for_each(|(attribute, value)| name.push(attribute.clone(), *value));
    name
}

/// Who signs certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Of all its certificates.
    pub(crate) key: KeyPair,
}

impl Authority {
    pub(crate) fn new(name: &[(DnType, &str)]) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = distinguished_name(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let [own, key] = [(); 2].map(|()| KeyPair::generate().unwrap());
        Self { issuer: Issuer::new(params, own), key }
    }

    /// A certificate with a key of its own.
    pub(crate) fn issue(&self, names: &Names<'_>) -> Leaf {
        self.issue_for(names, &KeyPair::generate().unwrap())
    }

    pub(crate) fn issue_for(&self, names: &Names<'_>, key: &KeyPair) -> Leaf {
        Leaf::of(&names.params().signed_by(key, &self.issuer).unwrap(), key)
    }

    /// PEM of a list that revokes these serial numbers; the next one is issued in so many days.
    pub(crate) fn revokes(&self, serials: &[u64], next_in_days: i64) -> String {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: (*serial).into(),
            revocation_time: moment(-3),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: moment(-2),
            next_update: moment(next_in_days),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

pub(crate) fn authority() -> Authority {
    Authority::new(&[(DnType::CommonName, "CA")])
}

/// A client's certificate.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) der: Vec<u8>,
    pub(crate) pem: String,
    pub(crate) fingerprint: String,
    pub(crate) spki_sha256: String,
}

impl Leaf {
    fn of(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        let digest = |bytes: &[u8]| certificate::fingerprint(bytes).to_string();
        Self {
            der: certificate.der().to_vec(),
            pem: certificate.pem(),
            fingerprint: digest(certificate.der()),
            spki_sha256: digest(&key.subject_public_key_info()),
        }
    }

    /// The certificate in this PEM text.
    pub(crate) fn read(pem: &str) -> Self {
        let der = certificate::der_from_text(pem.as_bytes()).unwrap();
        let spki_sha256 = CertificateContents::parse(&der).unwrap().spki_sha256;
        Self {
            pem: pem.to_owned(),
            fingerprint: certificate::fingerprint(&der).to_string(),
            spki_sha256: data_encoding::HEXLOWER.encode(&spki_sha256),
            der,
        }
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        *certificate::fingerprint(&self.der).as_bytes()
    }
}

// Configurations.

/// `value` with the entries of `more`, if it has some.
pub(crate) fn merge(mut value: Value, more: &Value) -> Value {
    value.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    value
}

/// A client with one credential, without limits.
pub(crate) fn client(alias: &str, credential: &Value) -> Value {
    json!({"alias": alias, "tier": "unlimited", "credentials": [credential]})
}

/// These clients, and what else `more` says.
pub(crate) fn configuration(clients: &[(&str, Value)], more: &Value) -> Value {
    let clients: Vec<_> = clients.iter().map(|(alias, credential)| client(alias, credential)).collect();
    merge(json!({"version": 1, "tiers": {"unlimited": {}}, "clients": clients}), more)
}

/// The engine of a worker that takes this configuration up now.
pub(crate) fn engine(configuration: &Value, store: &FakeLedger) -> Engine {
    engine_since(NOW, configuration, store)
}

/// The engine of a worker that takes this configuration up at this moment of the calendar.
pub(crate) fn engine_since(now: i64, configuration: &Value, store: &FakeLedger) -> Engine {
    let bytes = configuration.to_string().into_bytes();
    let hash = *certificate::fingerprint(&bytes).as_bytes().first_chunk().unwrap();
    let policy = certgate_core::config::read(&bytes).unwrap_or_else(|errors| panic!("{configuration:#}: {errors}"));
    let (generation, _) = GenerationCounter::take_up(store, hash, UnixSeconds(now)).unwrap();
    Engine::new(policy, generation)
}

pub(crate) fn registry(clients: &[(&str, Value)], more: &Value) -> Engine {
    engine(&configuration(clients, more), &FakeLedger::default())
}

pub(crate) fn listener() -> Value {
    json!({"identity": {"chain": "listener"}})
}

// Requests.

/// A connection with this certificate.
pub(crate) fn fake<'s>(leaf: &Leaf) -> Fake<'s> {
    Fake { digest: Some(leaf.fingerprint.clone().into()), certificate: Some(leaf.pem.clone().into()), ..nobody() }
}

pub(crate) fn verified<'s>(leaf: &Leaf) -> Fake<'s> {
    Fake { verified: true, ..fake(leaf) }
}

/// A connection without a certificate.
pub(crate) fn nobody<'s>() -> Fake<'s> {
    Fake { monotonic: Nanos(1_000_000_000_000), wall: NOW, ..Fake::default() }
}

/// What is seen of one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// The reply's; none: it was forwarded.
    pub(crate) status: Option<u32>,
    /// The reason that was counted.
    pub(crate) reason: Option<Reason>,
    /// What it says upstream.
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

/// What the request says upstream under this name.
pub(crate) fn header(fake: &Fake<'_>, name: &str) -> Option<String> {
    let headers = fake.headers.borrow();
    let mut values = headers.iter().filter(|(other, _)| other == name.as_bytes());
    let value = values.next().map(|(_, value)| String::from_utf8(value.clone()).unwrap());
    assert!(values.next().is_none(), "{name} goes upstream more than once");
    value
}

/// The alias under which a request with these headers goes on, `nobody` if without one, or else the reason why it does
/// not.
pub(crate) fn who_with(engine: &Engine, fake: &Fake<'_>, headers: &[(&str, &str)]) -> String {
    match send(engine, fake, headers) {
        Sent { reason: Some(reason), .. } => reason.as_str().to_owned(),
        Sent { alias, .. } => alias.unwrap_or_else(|| "nobody".to_owned()),
    }
}

pub(crate) fn who(engine: &Engine, fake: &Fake<'_>) -> String {
    who_with(engine, fake, &[])
}

pub(crate) const CART: &str = "spiffe://example.org/ns/shop/sa/cart";

/// A certificate with names of all kinds.
pub(crate) fn cart(authority: &Authority) -> Leaf {
    authority.issue(&Names {
        subject: &[(DnType::CommonName, "cart"), (DnType::OrganizationalUnitName, "shop")],
        uris: &[CART],
        hosts: &["cart.shop.example", "cart.example"],
        ..Names::default()
    })
}
