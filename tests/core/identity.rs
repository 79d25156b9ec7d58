//! Who calls: which credential decides, when names count, what relays are believed, and what upstreams are told of it.

use certgate::certificate;
use certgate::domain::decision::Reason;
use certgate::domain::time::{Nanos, UnixSeconds};
use certgate::engine::fakes::{Decided, Fake, FakeStore};
use certgate::engine::generation::Numbering;
use certgate::engine::{Engine, Outcome, Verified};
use data_encoding::BASE64;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData, RevokedCertParams, SanType, SerialNumber,
};
use serde_json::{Value, json};
use std::sync::Arc;
use time::{Duration, OffsetDateTime};

// Certificates.

/// The moment of all requests, 2033-05-18T03:33:20Z.
const NOW: i64 = 2_000_000_000;

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
    fn self_signed(&self) -> Leaf {
        let key = KeyPair::generate().unwrap();
        Leaf::of(&self.params().self_signed(&key).unwrap(), &key)
    }
}

fn moment(days: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(NOW).unwrap() + Duration::days(days)
}

fn distinguished_name(attributes: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    attributes.iter().for_each(|(attribute, value)| name.push(attribute.clone(), *value));
    name
}

/// Who signs certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Of all its certificates.
    key: KeyPair,
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

    fn issue_for(&self, names: &Names<'_>, key: &KeyPair) -> Leaf {
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

fn authority() -> Authority {
    Authority::new(&[(DnType::CommonName, "CA")])
}

/// A client's certificate.
#[derive(Debug)]
pub(crate) struct Leaf {
    der: Vec<u8>,
    pem: String,
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
fn configuration(clients: &[(&str, Value)], more: &Value) -> Value {
    let clients: Vec<_> = clients.iter().map(|(alias, credential)| client(alias, credential)).collect();
    merge(json!({"version": 1, "tiers": {"unlimited": {}}, "clients": clients}), more)
}

/// The engine of a worker that takes this configuration up.
pub(crate) fn engine(configuration: &Value, store: &FakeStore) -> Engine {
    let bytes = configuration.to_string().into_bytes();
    let hash = *certificate::fingerprint(&bytes).as_bytes().first_chunk().unwrap();
    let policy = certgate::config::read(&bytes).unwrap_or_else(|errors| panic!("{configuration:#}: {errors}"));
    let (numbering, _) = Numbering::take_up(store, "generation", hash, UnixSeconds(NOW)).unwrap();
    Engine::new(policy, numbering, "buckets:")
}

fn registry(clients: &[(&str, Value)], more: &Value) -> Engine {
    engine(&configuration(clients, more), &FakeStore::default())
}

fn listener() -> Value {
    json!({"identity": {"chain": "listener"}})
}

// Requests.

/// A connection with this certificate.
pub(crate) fn fake<'s>(leaf: &Leaf) -> Fake<'s> {
    Fake { digest: Some(leaf.fingerprint.clone().into()), certificate: Some(leaf.pem.clone().into()), ..nobody() }
}

fn verified<'s>(leaf: &Leaf) -> Fake<'s> {
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
    let outcome = engine.request(fake, all.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    let decided = fake.decided.take();
    let [Decided(reason, ..)] = decided[..] else { panic!("counted {} times", decided.len()) };
    let (status, alias) = match outcome {
        Outcome::Forward(_) => (None, header(fake, "x-client-alias")),
        Outcome::Reply(reply) => (Some(reply.status), None),
    };
    Sent { status, reason, alias }
}

/// What the request says upstream under this name.
fn header(fake: &Fake<'_>, name: &str) -> Option<String> {
    let headers = fake.headers.borrow();
    let mut values = headers.iter().filter(|(other, _)| other == name.as_bytes());
    let value = values.next().map(|(_, value)| String::from_utf8(value.clone()).unwrap());
    assert!(values.next().is_none(), "{name} goes upstream more than once");
    value
}

/// The alias under which a request with these headers goes on, `nobody` if without one, or else the reason why it does
/// not.
fn who_with(engine: &Engine, fake: &Fake<'_>, headers: &[(&str, &str)]) -> String {
    match send(engine, fake, headers) {
        Sent { reason: Some(reason), .. } => reason.as_str().to_owned(),
        Sent { alias, .. } => alias.unwrap_or_else(|| "nobody".to_owned()),
    }
}

fn who(engine: &Engine, fake: &Fake<'_>) -> String {
    who_with(engine, fake, &[])
}

// Which credential decides.

const CART: &str = "spiffe://example.org/ns/shop/sa/cart";

/// A certificate with names of all kinds.
fn cart(authority: &Authority) -> Leaf {
    authority.issue(&Names {
        subject: &[(DnType::CommonName, "cart"), (DnType::OrganizationalUnitName, "shop")],
        uris: &[CART],
        hosts: &["cart.shop.example", "cart.example"],
        ..Names::default()
    })
}

#[test]
fn the_first_kind_decides_and_of_one_kind_the_most_specific() {
    let leaf = cart(&authority());
    let in_order = [
        ("sha256", json!({"sha256": leaf.fingerprint})),
        ("key", json!({"spki_sha256": leaf.spki_sha256})),
        ("uri", json!({"uri_san": CART})),
        ("any-account", json!({"uri_san": "spiffe://example.org/ns/shop/sa/*"})),
        ("any-namespace", json!({"uri_san": "spiffe://example.org/ns/*/sa/*"})),
        ("host", json!({"dns_san": "cart.shop.example"})),
        ("any-host", json!({"dns_san": "*.shop.example"})),
        (
            "subject",
            json!({"subject": {"common_name": "cart", "organizational_unit": "shop"}, "issuer": {"common_name": "CA"}}),
        ),
        ("common-name", json!({"subject": {"common_name": "cart"}, "issuer": {"common_name": "CA"}})),
    ];
    for subset in 1..1_usize << in_order.len() {
        let mut clients: Vec<_> = in_order
            .iter()
            .enumerate()
            .filter(|(place, _)| subset >> place & 1 == 1)
            .map(|(_, it)| it.clone())
            .collect();
        let first = clients[0].0;
        // Where they stand in the registry does not matter.
        let middle = clients.len() / 2;
        clients.rotate_left(middle);
        assert_eq!(who(&registry(&clients, &json!({})), &verified(&leaf)), first, "{clients:?}");
    }
}

/// Whether `credential` identifies the certificate with these names.
fn identifies(authority: &Authority, credential: &Value, names: &Names<'_>) -> bool {
    let engine = registry(&[("found", credential.clone())], &listener());
    match who(&engine, &fake(&authority.issue(names))).as_str() {
        "found" => true,
        "unknown_certificate" => false,
        other => panic!("{credential}: {other}"),
    }
}

#[test]
fn in_patterns_an_asterisk_is_one_whole_segment() {
    let authority = authority();
    for (pattern, uri, expected) in [
        (CART, CART, true),
        (CART, "spiffe://example.org/ns/shop/sa/Cart", false),
        (CART, "spiffe://example.org/ns/shop/sa/cart/", false),
        (CART, "spiffe://example.org/ns/shop/sa/cart?a", false),
        (CART, "SPIFFE://example.org/ns/shop/sa/cart", false),
        ("spiffe://example.org/ns/*/sa/cart", CART, true),
        ("spiffe://example.org/ns/*/sa/cart", "spiffe://example.org/ns/*/sa/cart", true),
        ("spiffe://example.org/ns/*/sa/cart", "spiffe://example.org/ns/shop/eu/sa/cart", false),
        ("spiffe://example.org/ns/*/sa/cart", "spiffe://example.org/ns/sa/cart", false),
        ("spiffe://example.org/ns/*/sa/cart", "spiffe://example.org/ns/shop/sa/cart2", false),
        ("spiffe://example.org/ns/*/sa/cart", "spiffe://example.com/ns/shop/sa/cart", false),
        ("spiffe://example.org/ns/*/sa/cart", "spiffe://example.org/ns/shop/SA/cart", false),
        ("spiffe://example.org/*", CART, false),
        ("spiffe://example.org/*/*/*/*", CART, true),
    ] {
        let names = Names { uris: &[uri], ..Names::default() };
        assert_eq!(identifies(&authority, &json!({"uri_san": pattern}), &names), expected, "{pattern} {uri}");
    }
}

#[test]
fn in_patterns_an_asterisk_is_one_whole_label() {
    let authority = authority();
    for (pattern, host, expected) in [
        ("cart.shop.example", "cart.shop.example", true),
        ("Cart.Shop.Example", "cart.SHOP.example", true),
        ("*.shop.example", "cart.shop.example", true),
        ("*.shop.example", "a.cart.shop.example", false),
        ("*.shop.example", "shop.example", false),
        ("*.shop.example", "cart.shop.example.org", false),
        ("*.shop.example", "cart.shop.example.", false),
        ("*.shop.example", "cart-shop.example", false),
        ("cart.*.example", "cart.shop.example", true),
        ("cart.*.example", "cart.shop.eu.example", false),
        // A certificate for all hosts is no certificate of one, nor of them all.
        ("*.shop.example", "*.shop.example", false),
        ("cart.shop.example", "*.shop.example", false),
        ("*.*.example", "*.shop.example", false),
    ] {
        let names = Names { hosts: &[host], ..Names::default() };
        assert_eq!(identifies(&authority, &json!({"dns_san": pattern}), &names), expected, "{pattern} {host}");
    }
}

#[test]
fn a_uri_identifies_only_alone_and_a_host_in_any_company() {
    let authority = authority();
    let other = "spiffe://example.org/ns/shop/sa/other";
    for uris in [&[CART, other][..], &[other, CART], &[CART, CART], &[other], &[]] {
        for pattern in [CART, "spiffe://example.org/*/*/*/cart"] {
            let names = Names { uris, ..Names::default() };
            assert!(!identifies(&authority, &json!({"uri_san": pattern}), &names), "{pattern} {uris:?}");
        }
    }
    for hosts in [["cart.example", "*.example"], ["a.example", "cart.example"], ["cart.example", "cart.example"]] {
        let names = Names { hosts: &hosts, uris: &[other, CART], ..Names::default() };
        assert!(identifies(&authority, &json!({"dns_san": "cart.example"}), &names), "{hosts:?}");
    }
}

#[test]
fn attributes_are_compared_to_the_letter_and_as_often_as_they_are_listed() {
    use DnType::{CommonName, CountryName, OrganizationalUnitName};
    let authority = Authority::new(&[(CommonName, "CA"), (DnType::OrganizationName, "Example")]);
    // rcgen has each type once.
    let second_unit = || DnType::CustomDnType(vec![2, 5, 4, 11]);
    let one = &[(CommonName, "cart"), (OrganizationalUnitName, "shop"), (CountryName, "DE")][..];
    let two = &[(OrganizationalUnitName, "shop"), (CommonName, "cart"), (second_unit(), "eu")][..];
    let ca = json!({"common_name": "CA"});
    for (subject, issuer, cert, expected) in [
        (json!({"common_name": "cart"}), &ca, one, true),
        (json!({"common_name": "cart"}), &ca, two, true),
        (json!({"common_name": "Cart"}), &ca, one, false),
        (json!({"common_name": "cart "}), &ca, one, false),
        (json!({"common_name": "car"}), &ca, one, false),
        (json!({"common_name": "*"}), &ca, one, false),
        (json!({"common_name": ["cart", "cart"]}), &ca, one, false),
        (json!({"organizational_unit": "shop"}), &ca, one, true),
        (json!({"organizational_unit": ["shop"], "country": "DE"}), &ca, one, true),
        (json!({"organizational_unit": "shop", "title": "shop"}), &ca, one, false),
        (json!({"organizational_unit": "shop"}), &ca, two, false),
        (json!({"organizational_unit": "eu"}), &ca, two, false),
        (json!({"organizational_unit": ["shop", "eu"]}), &ca, two, true),
        (json!({"organizational_unit": ["eu", "shop"]}), &ca, two, false),
        (json!({"organizational_unit": ["shop", "eu", "eu"]}), &ca, two, false),
        (json!({"common_name": "cart"}), &json!({"common_name": "CA", "organization": "Example"}), one, true),
        (json!({"common_name": "cart"}), &json!({"common_name": "ca"}), one, false),
        (json!({"common_name": "cart"}), &json!({"common_name": "cart"}), one, false),
        (json!({"common_name": "cart"}), &json!({"common_name": ["CA", "CA"]}), one, false),
        (json!({"common_name": "CA"}), &json!({"common_name": "cart"}), one, false),
    ] {
        let credential = json!({"subject": subject, "issuer": issuer});
        let names = Names { subject: cert, ..Names::default() };
        assert_eq!(identifies(&authority, &credential, &names), expected, "{credential} {cert:?}");
    }
}

// When names count.

/// A credential of each kind that the certificate of [`cart`] answers to by a name.
fn by_name(issuer: &str) -> [Value; 3] {
    [
        json!({"uri_san": CART}),
        json!({"dns_san": "cart.shop.example"}),
        json!({"subject": {"common_name": "cart"}, "issuer": {"common_name": issuer}}),
    ]
}

#[test]
fn what_was_verified_once_is_so_for_the_worker_under_every_configuration() {
    let authority = authority();
    let (leaf, other) = (cart(&authority), cart(&authority));
    for credential in by_name("CA") {
        let first = registry(&[("cart", credential.clone())], &json!({}));
        let second = registry(&[("renamed", credential.clone())], &json!({"filter_state": "always"}));
        let worker = Arc::<Verified>::default();
        let on_this = |verified, leaf| Fake { verified, verified_before: Arc::clone(&worker), ..fake(leaf) };
        assert_eq!(who(&first, &on_this(false, &leaf)), "certificate_unverified");
        assert_eq!(who(&first, &on_this(true, &leaf)), "cart");
        assert_eq!(who(&first, &on_this(false, &leaf)), "cart");
        assert_eq!(who(&second, &on_this(false, &leaf)), "renamed");
        assert_eq!(who(&second, &on_this(false, &other)), "certificate_unverified", "another with the same names");
        assert_eq!(who(&first, &fake(&leaf)), "certificate_unverified", "on another worker");
        assert_eq!(who(&registry(&[("cart", credential)], &listener()), &fake(&leaf)), "cart");
    }
}

#[test]
fn who_signs_with_registered_names_is_somebody_only_by_what_proves_itself() {
    let names = Names { subject: &[(DnType::CommonName, "cart")], ..Names::default() };
    let forged = Names { uris: &[CART], hosts: &["cart.shop.example"], ..names }.self_signed();
    for credential in by_name("cart") {
        let engine = registry(&[("cart", credential)], &json!({}));
        assert_eq!(who(&engine, &fake(&forged)), "certificate_unverified");
    }
    for credential in
        [json!({"spki_sha256": forged.spki_sha256}), json!({"sha256": forged.fingerprint}), json!({"pem": forged.pem})]
    {
        let clients = [("cart", by_name("cart")[0].clone()), ("known", credential)];
        assert_eq!(who(&registry(&clients, &json!({})), &fake(&forged)), "known");
    }
}

// How often certificates are read, and what becomes of those that are not shown.

#[test]
fn a_certificate_is_read_once_for_each_engine() {
    let authority = authority();
    let (leaf, unknown) = (cart(&authority), authority.issue(&Names::default()));
    let kinds = [json!({"sha256": leaf.fingerprint}), json!({"spki_sha256": leaf.spki_sha256})];
    for credential in kinds.into_iter().chain(by_name("CA")) {
        let by_content = credential.get("sha256").is_none();
        let [first, second] = [(); 2].map(|()| registry(&[("cart", credential.clone())], &json!({})));
        let (known, unknown) = (verified(&leaf), verified(&unknown));
        for _ in 0..100 {
            assert_eq!(who(&first, &known), "cart");
            assert_eq!(who(&first, &unknown), "unknown_certificate");
        }
        let reads = (known.certificate_reads.get(), unknown.certificate_reads.get());
        assert_eq!(reads, (1, by_content.into()), "{credential}");
        who(&second, &known);
        assert_eq!(known.certificate_reads.get(), 2, "{credential}");
    }
}

#[test]
fn strangers_push_out_no_client_but_each_other() {
    let authority = authority();
    let engine = registry(&[("cart", json!({"uri_san": CART}))], &json!({}));
    let (leaf, first) = (cart(&authority), authority.issue(&Names::default()));
    let (known, first) = (verified(&leaf), fake(&first));
    who(&engine, &known);
    who(&engine, &first);
    for serial in 2..10_002 {
        // Every other one writes a client's name, which nobody has verified.
        let (uris, reason): (&[&str], _) =
            if serial % 2 == 0 { (&[], "unknown_certificate") } else { (&[CART], "certificate_unverified") };
        let stranger = authority.issue_for(&Names { serial, uris, ..Names::default() }, &authority.key);
        let stranger = fake(&stranger);
        for _ in 0..2 {
            assert_eq!(who(&engine, &stranger), reason);
        }
        assert_eq!(stranger.certificate_reads.get(), 1);
    }
    assert_eq!(who(&engine, &known), "cart");
    who(&engine, &first);
    assert_eq!((known.certificate_reads.get(), first.certificate_reads.get()), (1, 2));
}

#[test]
fn a_certificate_that_is_not_shown_has_no_names_and_may_be_in_any_list() {
    let authority = authority();
    let leaf = cart(&authority);
    let hidden = || Fake { certificate: None, ..verified(&leaf) };
    for credential in by_name("CA").into_iter().chain([json!({"spki_sha256": leaf.spki_sha256})]) {
        let engine = registry(&[("cart", credential)], &json!({}));
        assert_eq!(who(&engine, &hidden()), "unknown_certificate");
        assert_eq!(who(&engine, &verified(&leaf)), "cart", "it is looked for again");
    }
    let lists = json!({"crls": [{"pem": authority.revokes(&[7], 1)}]});
    for (more, expected) in [(&json!({}), "cart"), (&lists, "certificate_unreadable")] {
        for credential in [json!({"sha256": leaf.fingerprint}), json!({"pem": leaf.pem})] {
            let engine = registry(&[("cart", credential)], more);
            assert_eq!(who(&engine, &hidden()), expected);
            assert_eq!(who(&engine, &verified(&leaf)), "cart");
        }
    }
}

// Relays.

const XFCC: &str = "x-forwarded-client-cert";
const GATEWAY: &str = "spiffe://example.org/ns/edge/sa/gateway";

/// A gateway, and who is behind it.
struct Edge {
    authority: Authority,
    gateway: Leaf,
    /// Known by its fingerprint.
    direct: Leaf,
    /// Known by its name.
    cart: Leaf,
    expired: Leaf,
    unknown: Leaf,
}

impl Edge {
    fn new() -> Self {
        let authority = authority();
        let issue = |uri, days| authority.issue(&Names { uris: &[uri], days, ..Names::default() });
        Self {
            gateway: issue(GATEWAY, (-1, 1)),
            direct: issue("spiffe://example.org/direct", (-1, 1)),
            cart: cart(&authority),
            expired: issue("spiffe://example.org/expired", (-2, -1)),
            unknown: issue("spiffe://example.org/unknown", (-1, 1)),
            authority,
        }
    }

    /// The engine that trusts this relay.
    fn engine(&self, relay: &Value, more: &Value) -> Engine {
        let clients = [
            ("direct", json!({"sha256": self.direct.fingerprint})),
            ("cart", json!({"uri_san": CART})),
            ("expired", json!({"sha256": self.expired.fingerprint})),
            ("gateway", json!({"sha256": self.gateway.fingerprint})),
        ];
        let identity = json!({"identity": {"source": "xfcc", "trusted_relays": [relay]}});
        registry(&clients, &merge(identity, more))
    }

    fn relays(&self) -> [Value; 3] {
        [
            json!({"sha256": self.gateway.fingerprint}),
            json!({"spki_sha256": self.gateway.spki_sha256}),
            json!({"uri_san": GATEWAY}),
        ]
    }
}

fn hash(leaf: &Leaf) -> String {
    format!("Hash={}", leaf.fingerprint)
}

fn cert(leaf: &Leaf) -> String {
    format!("Cert=\"{}\"", utf8_percent_encode(&leaf.pem, NON_ALPHANUMERIC))
}

/// An element with the certificate.
fn whole(leaf: &Leaf) -> String {
    format!("{};{}", hash(leaf), cert(leaf))
}

#[test]
fn a_relay_says_whose_request_it_is() {
    let edge = Edge::new();
    let Edge { gateway, direct, cart, expired, unknown, .. } = &edge;
    let good = hash(direct);
    let table: Vec<(Vec<String>, &str)> = vec![
        (vec![good.clone()], "direct"),
        (vec![whole(direct)], "direct"),
        (vec![good.to_uppercase().replace("HASH", "hash")], "direct"),
        (vec![format!("By={GATEWAY};{good};Subject=\"CN=a\";URI={CART}")], "direct"),
        (vec![format!("{},{good}", hash(unknown))], "direct"),
        (vec![hash(unknown), good.clone()], "direct"),
        (vec![good.clone(), hash(unknown)], "unknown_certificate"),
        (vec![whole(unknown)], "unknown_certificate"),
        // Names and dates only from the certificate.
        (vec![whole(cart)], "cart"),
        (vec![hash(cart)], "unknown_certificate"),
        (vec![format!("{};URI={CART};DNS=cart.shop.example", hash(cart))], "unknown_certificate"),
        (vec![format!("{};URI={CART}", whole(unknown))], "unknown_certificate"),
        (vec![whole(expired)], "certificate_expired"),
        (vec![hash(expired)], "expired"),
        (vec![format!("{};{}", hash(direct), cert(cart))], "certificate_unreadable"),
        (vec![format!("{};{}", hash(cart), cert(direct))], "certificate_unreadable"),
        (vec![format!("{good};Cert=\"%zz\"")], "certificate_unreadable"),
        (vec![format!("{good};Cert=\"\"")], "certificate_unreadable"),
        (vec![format!("{};{}", whole(direct), cert(direct))], "certificate_unreadable"),
        // Anything else is nobody's word.
        (vec![], "no_certificate"),
        (vec![String::new()], "certificate_unreadable"),
        (vec![format!("URI={CART}")], "certificate_unreadable"),
        (vec![cert(cart)], "certificate_unreadable"),
        (vec![format!("{good};{good}")], "certificate_unreadable"),
        (vec![format!("{good};{}", hash(unknown))], "certificate_unreadable"),
        (vec!["Hash=00".to_owned()], "certificate_unreadable"),
        (vec![format!("{good}\"")], "certificate_unreadable"),
        (vec!["By=\"open".to_owned(), good.clone()], "certificate_unreadable"),
        (vec![format!("Subject=\"a\";Subject=\"b,{good}")], "certificate_unreadable"),
        (vec![good.clone(), String::new()], "certificate_unreadable"),
        (vec![hash(gateway)], "certificate_unreadable"),
        (vec![whole(gateway)], "certificate_unreadable"),
        (vec![good.clone(), hash(gateway)], "certificate_unreadable"),
    ];
    for relay in edge.relays() {
        let engine = edge.engine(&relay, &json!({}));
        for (lines, expected) in &table {
            let headers: Vec<_> = lines.iter().map(|line| (XFCC, line.as_str())).collect();
            assert_eq!(who_with(&engine, &verified(gateway), &headers), *expected, "{lines:?} from {relay}");
        }
    }
}

#[test]
fn what_a_relay_says_goes_on_and_what_others_say_does_not() {
    let edge = Edge::new();
    let callers = [fake(&edge.gateway), fake(&edge.direct), fake(&edge.unknown), nobody()];
    let said = whole(&edge.cart);
    for (mode, rule, expected) in [
        ("enforce", json!({}), ["cart", "direct", "refused", "refused"]),
        ("enforce", json!({"access": "optional"}), ["cart", "direct", "refused", "nobody"]),
        ("enforce", json!({"access": "public"}), ["nobody"; 4]),
        ("shadow", json!({}), ["cart", "direct", "nobody", "nobody"]),
        ("shadow", json!({"access": "deny"}), ["nobody"; 4]),
    ] {
        let engine = edge.engine(&edge.relays()[0], &json!({"mode": mode, "rules": [rule]}));
        for (caller, expected) in callers.iter().zip(expected) {
            let Sent { status, alias, .. } = send(&engine, caller, &[(XFCC, &said)]);
            let seen = if status.is_some() { "refused" } else { alias.as_deref().unwrap_or("nobody") };
            assert_eq!(seen, expected, "{mode} {rule}");
            let goes_on = status.is_none() && header(caller, XFCC).is_some();
            assert_eq!(goes_on, expected == "cart", "{mode} {rule} {expected}");
        }
    }
}

#[test]
fn behind_a_relay_that_is_silent_nobody_calls() {
    let edge = Edge::new();
    let engine =
        edge.engine(&edge.relays()[0], &json!({"rules": [{"match": {"path": "/open"}, "access": "optional"}]}));
    let relay = fake(&edge.gateway);
    assert_eq!(who(&engine, &relay), "no_certificate", "though it is registered as a client");
    assert_eq!(who_with(&engine, &relay, &[(":path", "/open")]), "nobody");
    let (path, bad) = ((":path", "/open"), hash(&edge.unknown));
    assert_eq!(who_with(&engine, &relay, &[path, (XFCC, &bad)]), "unknown_certificate");
    assert_eq!(who_with(&engine, &relay, &[path, (XFCC, "")]), "certificate_unreadable");
}

#[test]
fn a_relay_whose_own_certificate_does_not_hold_is_refused() {
    let edge = Edge::new();
    let issue = |days, serial| edge.authority.issue(&Names { uris: &[GATEWAY], days, serial, ..Names::default() });
    let (good, lists) = (whole(&edge.direct), json!({"crls": [{"pem": edge.authority.revokes(&[666], 1)}]}));
    for (relay, expected) in [
        (issue((-1, 1), 1), "direct"),
        (issue((-2, -1), 1), "certificate_expired"),
        (issue((1, 2), 1), "certificate_not_yet_valid"),
        (issue((-1, 1), 666), "certificate_revoked"),
    ] {
        let said =
            |relay: &Fake<'_>, credential: &Value| who_with(&edge.engine(credential, &lists), relay, &[(XFCC, &good)]);
        for credential in [json!({"sha256": relay.fingerprint}), json!({"spki_sha256": relay.spki_sha256})] {
            assert_eq!(said(&fake(&relay), &credential), expected, "{credential}");
        }
        let by_name = json!({"uri_san": GATEWAY});
        assert_eq!(said(&verified(&relay), &by_name), expected);
        assert_eq!(said(&fake(&relay), &by_name), "certificate_unverified");
    }
}

#[test]
fn a_relay_that_was_verified_once_is_believed_in_resumed_sessions() {
    let edge = Edge::new();
    let engine = edge.engine(&json!({"uri_san": GATEWAY}), &json!({}));
    let worker = Arc::<Verified>::default();
    for (verified, expected) in [(false, "certificate_unverified"), (true, "cart"), (false, "cart")] {
        let relay = Fake { verified, verified_before: Arc::clone(&worker), ..fake(&edge.gateway) };
        assert_eq!(who_with(&engine, &relay, &[(XFCC, &whole(&edge.cart))]), expected);
    }
}

#[test]
fn with_lists_a_relay_must_show_the_clients_certificate_and_its_own() {
    let edge = Edge::new();
    let revoked = edge.authority.issue(&Names { uris: &[CART], serial: 666, ..Names::default() });
    let lists = json!({"crls": [{"pem": edge.authority.revokes(&[666], 1)}]});
    let engine = edge.engine(&edge.relays()[0], &lists);
    for (element, expected) in [
        (whole(&edge.direct), "direct"),
        (hash(&edge.direct), "certificate_unreadable"),
        (whole(&revoked), "certificate_revoked"),
    ] {
        let hidden = Fake { certificate: None, ..fake(&edge.gateway) };
        let fresh = edge.engine(&edge.relays()[0], &lists);
        assert_eq!(who_with(&fresh, &hidden, &[(XFCC, &element)]), "certificate_unreadable");
        assert_eq!(who_with(&engine, &fake(&edge.gateway), &[(XFCC, &element)]), expected);
    }
}

// What upstreams are told.

/// The headers that are sent only on demand, under names of the test's own.
const ON_DEMAND: [(&str, &str); 6] = [
    ("groups", "x-groups"),
    ("scopes", "x-scopes"),
    ("subject", "x-subject"),
    ("spiffe_id", "x-spiffe"),
    ("not_after", "x-not-after"),
    ("client_cert", "client-cert"),
];

fn on_demand(fake: &Fake<'_>) -> [Option<String>; 6] {
    ON_DEMAND.map(|(_, name)| header(fake, name))
}

/// A client of this credential, in groups and with scopes.
fn profiled(credential: &Value, more: &Value) -> Engine {
    let profile = json!({"groups": ["shop", "eu"], "scopes": ["write", "read"]});
    let clients = json!({"clients": [merge(client("cart", credential), &profile)]});
    registry(&[], &merge(clients, more))
}

#[test]
fn upstreams_are_told_what_is_asked_for_and_known() {
    let leaf = authority().issue(&Names {
        subject: &[(DnType::CommonName, "M\u{fc}ller, \"x\""), (DnType::OrganizationName, "50%")],
        uris: &[CART],
        ..Names::default()
    });
    let fingerprint = json!({"sha256": leaf.fingerprint});
    let values = [
        "eu,shop".to_owned(),
        "read write".to_owned(),
        r"O=50%25,CN=M%C3%BCller\, \%22x\%22".to_owned(),
        CART.to_owned(),
        "2033-05-19T03:33:20Z".to_owned(),
        format!(":{}:", BASE64.encode(&leaf.der)),
    ];
    for asked in 0..1_usize << ON_DEMAND.len() {
        let is_asked = |place: usize| asked >> place & 1 == 1;
        let named = ON_DEMAND.into_iter().enumerate().filter(|(place, _)| is_asked(*place));
        let headers: Value = named.map(|(_, (key, name))| (key.to_owned(), json!(name))).collect();
        let engine = profiled(&fingerprint, &json!({"headers": headers}));
        let fake = fake(&leaf);
        // What the client says itself is nobody's word, unless the name is none of certgate's.
        assert_eq!(who_with(&engine, &fake, &[("client-cert", "forged"), ("x_client_groups", "forged")]), "cart");
        let mut expected = values.clone().map(Some);
        expected.iter_mut().enumerate().filter(|(place, _)| !is_asked(*place)).for_each(|(_, value)| *value = None);
        assert_eq!(on_demand(&fake), expected, "{headers}");
        assert_eq!(header(&fake, "x_client_groups"), None);
    }
}

fn all_on_demand() -> Value {
    json!({"headers": ON_DEMAND.map(|(key, name)| (key.to_owned(), json!(name))).into_iter().collect::<Value>()})
}

#[test]
fn upstreams_are_told_nothing_of_a_certificate_that_cannot_be_believed() {
    let leaf = cart(&authority());
    let subject = Some("OU=shop,CN=cart".to_owned());
    let [by_key, by_fingerprint] = [json!({"spki_sha256": leaf.spki_sha256}), json!({"sha256": leaf.fingerprint})]
        .map(|it| profiled(&it, &all_on_demand()));
    let hidden = Fake { certificate: None, ..verified(&leaf) };
    for (engine, fake, believed) in [
        (&by_key, fake(&leaf), false),
        (&by_key, verified(&leaf), true),
        (&by_fingerprint, fake(&leaf), true),
        (&by_fingerprint, hidden, true),
    ] {
        assert_eq!(who(engine, &fake), "cart");
        let [groups, scopes, said @ ..] = on_demand(&fake);
        assert_eq!((groups.as_deref(), scopes.as_deref()), (Some("eu,shop"), Some("read write")));
        assert_eq!((said[0] == subject, said.iter().all(Option::is_some)), (believed, believed));
        assert!(believed || said.iter().all(Option::is_none));
    }
    let fresh = profiled(&json!({"sha256": leaf.fingerprint}), &all_on_demand());
    let hidden = Fake { certificate: None, ..verified(&leaf) };
    assert_eq!((who(&fresh, &hidden).as_str(), &on_demand(&hidden)[2..]), ("cart", &[const { None }; 4][..]));
}

#[test]
fn what_is_not_known_is_not_sent() {
    let leaf = authority().issue(&Names { uris: &["https://shop.example/cart"], ..Names::default() });
    let engine = registry(&[("cart", json!({"sha256": leaf.fingerprint}))], &all_on_demand());
    let fake = fake(&leaf);
    who(&engine, &fake);
    let sent = on_demand(&fake).map(|value| value.is_some());
    assert_eq!(sent, [false, false, true, false, true, true], "neither groups nor scopes nor a SPIFFE ID");
}

#[test]
fn in_shadow_mode_who_would_be_refused_has_no_headers() {
    let leaf = cart(&authority());
    let credential = json!({"sha256": leaf.fingerprint, "revoked": true});
    let engine = profiled(&credential, &merge(all_on_demand(), &json!({"mode": "shadow"})));
    let fake = fake(&leaf);
    let sent = send(&engine, &fake, &[("client-cert", "forged")]);
    assert_eq!(sent, Sent { status: None, reason: Some(Reason::CertificateRevoked), alias: None });
    assert_eq!(on_demand(&fake), [const { None }; 6]);
}

// Other hosts.

#[test]
fn a_request_for_another_host_than_the_connections_is_misdirected() {
    let leaf = cart(&authority());
    let rules =
        json!([{"match": {"path": "/open"}, "access": "public"}, {"match": {"path": "/shut"}, "access": "deny"}]);
    let [on, off] = [json!(421), json!("off")].map(|switch| {
        registry(&[("cart", json!({"sha256": leaf.fingerprint}))], &json!({"misdirected": switch, "rules": rules}))
    });
    for (authority, server_name, directed) in [
        ("shop.example", Some("shop.example"), true),
        ("SHOP.example", Some("shop.EXAMPLE"), true),
        ("shop.example:8443", Some("shop.example"), true),
        ("shop.example:", Some("shop.example"), true),
        ("shop.example.", Some("shop.example"), true),
        ("shop.example.:443", Some("shop.example"), true),
        ("shop.example", Some("shop.example."), true),
        ("shop.example", None, true),
        ("", None, true),
        ("other.example", Some("shop.example"), false),
        ("a.shop.example", Some("shop.example"), false),
        ("shop.example", Some("*.example"), false),
        ("shop.example", Some(""), false),
        ("", Some(""), false),
        ("", Some("shop.example"), false),
        ("me@shop.example", Some("shop.example"), false),
        ("shop.example:http", Some("shop.example"), false),
        ("shop.example..", Some("shop.example"), false),
        ("127.0.0.1", Some("shop.example"), false),
        ("[::1]", Some("shop.example"), false),
    ] {
        let fake = Fake { server_name: server_name.map(Into::into), ..fake(&leaf) };
        for (path, otherwise) in [("/", "cart"), ("/open", "nobody"), ("/shut", "rule_denied")] {
            let headers = [(":authority", authority), (":path", path)];
            let expected = if directed { otherwise } else { "misdirected" };
            assert_eq!(who_with(&on, &fake, &headers), expected, "{authority} {server_name:?} {path}");
            assert_eq!(who_with(&off, &fake, &headers), otherwise, "{authority} {server_name:?} {path}");
        }
        let status = send(&on, &fake, &[(":authority", authority)]).status;
        assert_eq!(status, (!directed).then_some(421), "{authority} {server_name:?}");
    }
}

// Limits of rules.

/// So many an hour.
fn hourly(name: &str, requests: u32) -> Value {
    json!({"name": name, "requests": requests, "per": "1h"})
}

/// Two clients and a rule with these entries, which decides about `/rule`.
fn limited(aliases: [&Leaf; 2], rule: &Value) -> Value {
    let clients = aliases.map(|leaf| json!({"sha256": leaf.fingerprint}));
    let [a, b] = clients.map(|credential| client("alias", &credential));
    let slow = json!([hourly("hourly", 2)]);
    json!({
        "version": 1,
        "tiers": {"fast": {"limits": [hourly("hourly", 5)]}, "slow": {"limits": slow}},
        "clients": [
            merge(a, &json!({"alias": "a", "tier": "fast"})),
            merge(b, &json!({"alias": "b", "tier": "slow"})),
        ],
        "anonymous_tier": "slow",
        "rules": [
            merge(json!({"name": "rule", "match": {"path": "/rule"}}), rule),
            {"match": {"path": "/open"}, "access": "optional"},
        ],
    })
}

/// How many requests with this path pass, one after the other.
fn passing(engine: &Engine, fake: &Fake<'_>, path: &str) -> usize {
    let passes = |_: &usize| match send(engine, fake, &[(":path", path)]).reason {
        None => true,
        Some(Reason::LimitExceeded) => false,
        Some(other) => panic!("{path}: {other:?}"),
    };
    (0..100).take_while(passes).count()
}

fn two_clients() -> [Leaf; 2] {
    let authority = authority();
    [(); 2].map(|()| authority.issue(&Names::default()))
}

fn in_store<'s>(store: &'s FakeStore, fake: Fake<'s>) -> Fake<'s> {
    Fake { store: Some(store), ..fake }
}

#[test]
fn a_rules_limit_is_each_clients_own_and_takes_with_the_tiers_or_not_at_all() {
    let [a, b] = two_clients();
    let configuration = limited([&a, &b], &json!({"limits": [hourly("rule", 1)]}));
    let store = FakeStore::default();
    let engine = engine(&configuration, &store);
    let [a, b] = [&a, &b].map(|leaf| in_store(&store, fake(leaf)));
    assert_eq!(passing(&engine, &a, "/rule"), 1);
    assert_eq!(passing(&engine, &a, "/"), 4, "the second, refused one took nothing");
    assert_eq!(passing(&engine, &b, "/rule"), 1);
    assert_eq!(passing(&engine, &b, "/"), 1);
}

#[test]
fn a_tier_that_is_used_up_leaves_the_rules_limit_whole() {
    let [a, b] = two_clients();
    let store = FakeStore::default();
    let scarce = limited([&a, &b], &json!({"limits": [hourly("rule", 9)]}));
    let ample = merge(scarce.clone(), &json!({"tiers": {"fast": {}, "slow": {}}}));
    let a = in_store(&store, fake(&a));
    assert_eq!(passing(&engine(&scarce, &store), &a, "/rule"), 5);
    assert_eq!(passing(&engine(&ample, &store), &a, "/rule"), 4, "nine, without the five that passed");
}

#[test]
fn a_reload_keeps_what_is_spent_of_a_rules_limit() {
    let [a, b] = two_clients();
    let store = FakeStore::default();
    let before = limited([&a, &b], &json!({"limits": [hourly("rule", 2)]}));
    let caller = in_store(&store, fake(&a));
    assert_eq!(passing(&engine(&before, &store), &caller, "/rule"), 2);
    for (rule, expected) in [
        (json!({"limits": [hourly("rule", 2)], "access": "optional"}), 0),
        (json!({"limits": [hourly("rule", 3)]}), 1),
        (json!({"limits": [hourly("other", 1)]}), 1),
        (json!({"limits": [hourly("rule", 2)], "name": "another"}), 1),
    ] {
        let after = engine(&limited([&a, &b], &rule), &store);
        assert_eq!(passing(&after, &caller, "/rule"), expected, "{rule}");
    }
}

#[test]
fn the_tier_of_a_rule_counts_in_buckets_of_its_own_and_is_what_upstreams_are_told() {
    let [a, b] = two_clients();
    let store = FakeStore::default();
    let engine = engine(&limited([&a, &b], &json!({"tier": "slow"})), &store);
    let [a, b] = [&a, &b].map(|leaf| in_store(&store, fake(leaf)));
    for (fake, path, admitted, tier) in
        [(&a, "/rule", 2, "slow"), (&b, "/rule", 2, "slow"), (&a, "/", 5, "fast"), (&b, "/", 2, "slow")]
    {
        let first = send(&engine, fake, &[(":path", path)]);
        assert_eq!((first.reason, header(fake, "x-client-tier").as_deref()), (None, Some(tier)), "{path}");
        assert_eq!(passing(&engine, fake, path), admitted - 1, "{path}");
    }
}

#[test]
fn callers_without_a_certificate_share_one_bucket() {
    let [a, b] = two_clients();
    let store = FakeStore::default();
    let rule = json!({"access": "optional", "limits": [hourly("rule", 1)]});
    let engine = engine(&limited([&a, &b], &rule), &store);
    let anonymous = || in_store(&store, nobody());
    assert_eq!(who_with(&engine, &anonymous(), &[(":path", "/rule")]), "nobody");
    assert_eq!(who_with(&engine, &anonymous(), &[(":path", "/rule")]), "limit_exceeded");
    assert_eq!(who_with(&engine, &anonymous(), &[(":path", "/open")]), "nobody");
    assert_eq!(who_with(&engine, &anonymous(), &[(":path", "/open")]), "limit_exceeded", "two in all");
    assert_eq!(who_with(&engine, &in_store(&store, fake(&b)), &[(":path", "/rule")]), "b", "nobody's is not theirs");
}

#[test]
fn the_tier_of_a_rule_counts_callers_without_a_certificate_too() {
    let [a, b] = two_clients();
    let store = FakeStore::default();
    let engine = engine(&limited([&a, &b], &json!({"access": "optional", "tier": "fast"})), &store);
    let anonymous = in_store(&store, nobody());
    assert_eq!((passing(&engine, &anonymous, "/rule"), passing(&engine, &anonymous, "/open")), (5, 2));
    assert_eq!(header(&anonymous, "x-client-tier"), None);
}
