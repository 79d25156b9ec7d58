//! One table of refusals, for the engine on a fake host and for the compiled module in real Envoys: each reason with each
//! of its causes, and a request that is refused so.

use crate::der::{self, COMMON_NAME, element, extension};
use crate::registry::{client, merge};
use data_encoding::BASE64URL_NOPAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rcgen::KeyPair;
use serde_json::{Value, json};

/// The URI of [`Who::Named`].
pub const CART: &str = "spiffe://example.org/ns/shop/sa/cart";

/// The holder of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The client.
    Client,
    /// A client with the URI [`CART`].
    Named,
    /// A client whose certificate has a DNS name that cannot be read.
    Odd,
    /// A client whose certificate has expired.
    Expired,
    /// A client whose certificate is not yet valid.
    Early,
    /// A relay.
    Relay,
    /// A caller that is in no registry.
    Stranger,
    /// A caller without a certificate.
    Nobody,
}

/// A certificate, as a test knows it.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// SHA-256 of the DER form, in hexadecimal digits.
    pub fingerprint: String,
    /// SHA-256 of the public key, in hexadecimal digits.
    pub spki_sha256: String,
    /// PEM.
    pub pem: String,
}

/// The holders of certificates, and the authority that has issued them.
pub trait Cast {
    /// The certificate of this holder, who is not [`Who::Nobody`].
    fn certificate(&self, who: Who) -> Certificate;
    /// A CRL of the authority, in PEM, that revokes the certificate of this holder. The next one is due so many seconds
    /// from now.
    fn crl(&self, revoked: Option<Who>, next_update: i64) -> String;
}

/// The state of the host under a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// It shows the certificate, and says that it has verified the chain.
    Usual,
    /// It does not say that it has verified the chain.
    Unverified,
    /// It shows the digest of the certificate and not the certificate.
    Hidden,
    /// It shows the certificate of a stranger beside the digest.
    Differs,
    /// It shows no digest, and text that is no certificate.
    Malformed,
    /// The connection was made for this server name.
    ServerName(&'static str),
    /// A token with this thumbprint was verified before certgate.
    Token(String),
    /// A call for the client's buckets fails.
    StoreFails,
    /// Other workers are always quicker to change the client's buckets.
    StoreContended,
    /// A call for a property fails.
    PropertyFails,
    /// The configuration cannot be read.
    NoConfiguration,
}

/// A request that is refused.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The reason.
    pub reason: &'static str,
    /// The cause.
    pub cause: &'static str,
    /// The configuration before, in the same process.
    pub former: Option<Value>,
    /// The configuration.
    pub configuration: Value,
    /// The sender.
    pub who: Who,
    /// `:path`.
    pub path: &'static str,
    /// `:authority`.
    pub authority: &'static str,
    /// Header lines beside the usual ones.
    pub headers: Vec<(&'static str, String)>,
    /// The number of such requests before, which pass.
    pub before: usize,
    /// The state of the host.
    pub host: Host,
    /// Fields that the log line has besides.
    pub fields: Value,
}

/// All reasons with all their causes.
pub fn all(cast: &dyn Cast) -> Vec<Refused> {
    [unidentified(cast), removed(cast), unusable(cast), relayed(cast), by_rules(cast), by_hosts(cast)].concat()
}

/// DER form of a self-signed certificate with this key and a DNS name that cannot be read.
pub fn odd(key: &KeyPair) -> Vec<u8> {
    let name = der::name(&[vec![(COMMON_NAME, element(0x0c, &[b"odd"]))]]);
    let names = extension(b"\x55\x1d\x11", &element(0x30, &[&element(0x82, &["b\u{fc}cher.example".as_bytes()])]));
    der::Certificate::new(&name, &name, key).extensions(&[&names]).signed(key)
}

fn row(reason: &'static str, cause: &'static str, configuration: Value, who: Who) -> Refused {
    let (path, authority, headers) = ("/", "localhost", Vec::new());
    Refused {
        reason,
        cause,
        former: None,
        configuration,
        who,
        path,
        authority,
        headers,
        before: 0,
        host: Host::Usual,
        fields: json!({}),
    }
}

impl Refused {
    fn on(self, host: Host) -> Self {
        Self { host, ..self }
    }

    fn fields(self, fields: Value) -> Self {
        Self { fields, ..self }
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn xfcc(self, element: impl Into<String>) -> Self {
        self.header("x-forwarded-client-cert", element)
    }
}

/// A configuration of one client with this credential, with the entries of `more` at the client and of `options`.
fn registry(credential: &Value, more: &Value, options: &Value) -> Value {
    let client = merge(client("client", "basic", credential), more);
    let tier = json!({"limits": [{"name": "daily", "requests": 1000, "per": "1d"}]});
    merge(json!({"version": 1, "tiers": {"basic": tier, "other": {}}, "clients": [client]}), options)
}

fn by_fingerprint(cast: &dyn Cast, who: Who) -> Value {
    json!({"sha256": cast.certificate(who).fingerprint})
}

fn listener() -> Value {
    json!({"identity": {"chain": "listener"}})
}

/// Callers that are no clients.
pub fn unidentified(cast: &dyn Cast) -> Vec<Refused> {
    let none = json!({});
    let plain = || registry(&by_fingerprint(cast, Who::Client), &none, &none);
    let named = || registry(&json!({"uri_san": CART}), &none, &none);
    let hosts = registry(&json!({"dns_san": "b.example"}), &none, &listener());
    vec![
        row("no_certificate", "certificate_not_presented", plain(), Who::Nobody),
        row("unknown_certificate", "not_registered", plain(), Who::Stranger)
            .fields(json!({"certgate.fingerprint_of": "client", "tls.client.issuer": "CN=the trusted authority"})),
        row("unknown_certificate", "names_unreadable", hosts, Who::Odd),
        row("certificate_unverified", "chain_not_verified", named(), Who::Named).on(Host::Unverified),
        row("certificate_unreadable", "certificate_malformed", plain(), Who::Client).on(Host::Malformed),
        row("certificate_unreadable", "certificate_differs", plain(), Who::Client).on(Host::Differs),
    ]
}

/// Clients that were removed, by the certificate, the key or a name. No entry is offered for them.
pub fn removed(cast: &dyn Cast) -> Vec<Refused> {
    let none = json!({});
    let key = json!({"spki_sha256": cast.certificate(Who::Stranger).spki_sha256});
    let credentials = [
        (by_fingerprint(cast, Who::Stranger), Who::Stranger),
        (key, Who::Stranger),
        (json!({"uri_san": "spiffe://example.org/ns/*/sa/cart"}), Who::Named),
    ];
    let plain = registry(&by_fingerprint(cast, Who::Client), &none, &none);
    let of = |(credential, who): (Value, Who)| {
        let refused = row("unknown_certificate", "client_removed", plain.clone(), who);
        let former = Some(registry(&credential, &none, &none));
        Refused { former, ..refused.fields(json!({"certgate.client_entry": null})) }
    };
    credentials.map(of).into()
}

/// Clients whose credential or certificate is no good now.
pub fn unusable(cast: &dyn Cast) -> Vec<Refused> {
    let none = json!({});
    let of = |who, more: &Value, options: &Value| registry(&merge(by_fingerprint(cast, who), more), &none, options);
    let crls = |crl: Value| json!({"crls": [crl]});
    let revoking = crls(json!({"pem": cast.crl(Some(Who::Client), 3600)}));
    let overdue = crls(json!({"pem": cast.crl(None, -60), "strict": true}));
    let good = crls(json!({"pem": cast.crl(None, 3600)}));
    let crl = json!({"certgate.crl": "crls[0] of CN=the trusted authority"});
    let disabled = registry(&by_fingerprint(cast, Who::Client), &json!({"enabled": false}), &none);
    let ended = json!({"not_after": "2020-01-01T00:00:00Z"});
    let to_come = json!({"not_before": "2100-01-01T00:00:00Z"});
    let revoked = json!({"revoked": true});
    vec![
        row("certificate_revoked", "credential_revoked", of(Who::Client, &revoked, &none), Who::Client),
        row("certificate_revoked", "revoked_by_crl", of(Who::Client, &none, &revoking), Who::Client)
            .fields(crl.clone()),
        row("certificate_unverified", "crl_overdue", of(Who::Client, &none, &overdue), Who::Client).fields(crl),
        row("certificate_unreadable", "certificate_not_shown", of(Who::Client, &none, &good), Who::Client)
            .on(Host::Hidden),
        row("certificate_expired", "certificate_not_after", of(Who::Expired, &none, &none), Who::Expired),
        row("certificate_expired", "credential_not_after", of(Who::Client, &ended, &none), Who::Client),
        row("certificate_not_yet_valid", "certificate_not_before", of(Who::Early, &none, &none), Who::Early),
        row("certificate_not_yet_valid", "credential_not_before", of(Who::Client, &to_come, &none), Who::Client),
        row("client_disabled", "client_disabled", disabled, Who::Client),
    ]
}

/// Callers behind a relay.
pub fn relayed(cast: &dyn Cast) -> Vec<Refused> {
    let relay = json!({"identity": {"source": "xfcc", "trusted_relays": [by_fingerprint(cast, Who::Relay)]}});
    let none = json!({});
    let of = |more: &Value| registry(&by_fingerprint(cast, Who::Client), &none, &merge(relay.clone(), more));
    let hash = |who| format!("Hash={}", cast.certificate(who).fingerprint);
    let cert = |who| format!("Cert=\"{}\"", utf8_percent_encode(&cast.certificate(who).pem, NON_ALPHANUMERIC));
    let good = json!({"crls": [{"pem": cast.crl(None, 3600)}]});
    let condition = json!({"rules": [{"uri_san": [CART]}]});
    let [of_relay, of_client] = ["relay", "client"].map(|holder| json!({"certgate.fingerprint_of": holder}));
    let unreadable = |cause| row("certificate_unreadable", cause, of(&none), Who::Relay);
    vec![
        row("no_certificate", "relay_header_missing", of(&none), Who::Relay).fields(of_relay.clone()),
        unreadable("relay_header_malformed").xfcc("Hash=x").fields(of_relay.clone()),
        unreadable("relay_header_without_hash").xfcc("By=spiffe://a/b").fields(of_relay.clone()),
        unreadable("relay_header_names_relay").xfcc(hash(Who::Relay)).fields(of_relay),
        unreadable("relay_header_cert_differs")
            .xfcc([hash(Who::Client), cert(Who::Stranger)].join(";"))
            .fields(of_client.clone()),
        row("unknown_certificate", "relay_header_without_cert", of(&none), Who::Relay)
            .xfcc(hash(Who::Stranger))
            .fields(of_client.clone()),
        row("certificate_unreadable", "relay_header_without_cert", of(&good), Who::Relay)
            .xfcc(hash(Who::Client))
            .fields(of_client),
        row("rule_denied", "relay_header_without_cert", of(&condition), Who::Relay).xfcc(hash(Who::Client)),
    ]
}

/// Clients that a rule does not admit, and requests for which no rule can be found.
pub fn by_rules(cast: &dyn Cast) -> Vec<Refused> {
    let none = json!({});
    let key = json!({"spki_sha256": cast.certificate(Who::Client).spki_sha256});
    let rules = |credential: &Value, rule: &Value| {
        let elsewhere = json!({"match": {"path": "/elsewhere"}, "access": "public"});
        registry(credential, &none, &json!({"rules": [elsewhere, rule]}))
    };
    let client = by_fingerprint(cast, Who::Client);
    let by_rule = |cause, rule: &Value| {
        row("rule_denied", cause, rules(&client, rule), Who::Client).fields(json!({"certgate.rule": "rules[1]"}))
    };
    let ambiguous = |cause, pattern: &Value| {
        let asks = json!({"rules": [{"name": "api", "match": pattern}, {}]});
        row("rule_denied", cause, registry(&client, &none, &asks), Who::Client).fields(json!({"certgate.rule": "api"}))
    };
    let condition = json!({"uri_san": [CART]});
    let hosts = json!({"dns_san": ["b.example"]});
    let token = json!({"bound_token": true});
    let thumbprint = |who| {
        let digest = data_encoding::HEXLOWER.decode(cast.certificate(who).fingerprint.as_bytes()).unwrap();
        Host::Token(BASE64URL_NOPAD.encode(&digest))
    };
    let mut two = rules(&client, &json!({"aliases": ["another"]}));
    two["clients"].as_array_mut().unwrap().push(crate::registry::client("another", "basic", &json!({"uri_san": CART})));
    vec![
        row("rule_denied", "alias_not_listed", two, Who::Client),
        by_rule("rule_denies", &json!({"access": "deny"})),
        by_rule("group_missing", &json!({"groups": ["finance"]})),
        by_rule("scope_missing", &json!({"scopes": ["orders"]})),
        by_rule("tier_not_listed", &json!({"tiers": ["other"]})),
        by_rule("condition_not_met", &condition),
        by_rule("certificate_not_shown", &condition).on(Host::Hidden),
        row("rule_denied", "chain_not_verified", rules(&key, &condition), Who::Client).on(Host::Unverified),
        row("rule_denied", "names_unreadable", rules(&by_fingerprint(cast, Who::Odd), &hosts), Who::Odd),
        by_rule("token_missing", &token),
        by_rule("token_not_bound", &token).on(thumbprint(Who::Stranger)),
        by_rule("several_tokens", &token).on(thumbprint(Who::Client)).header("authorization", "Bearer a, Bearer b"),
        Refused { path: "/?access_token=a", ..by_rule("token_in_query", &token).on(thumbprint(Who::Client)) },
        Refused { path: "/a%3Ab", ..ambiguous("path_ambiguous", &json!({"path": "/a:b"})) },
        Refused { authority: "a..example", ..ambiguous("host_ambiguous", &json!({"hosts": ["a.example"]})) },
    ]
}

/// Requests that are refused for their host, for a limit, or because certgate cannot decide.
pub fn by_hosts(cast: &dyn Cast) -> Vec<Refused> {
    let none = json!({});
    let client = by_fingerprint(cast, Who::Client);
    let plain = || registry(&client, &none, &none);
    let misdirected = registry(&client, &none, &json!({"misdirected": 421}));
    let limits = json!([
        {"name": "daily", "requests": 1000, "per": "1d"},
        {"name": "yearly", "requests": 1, "per": "365d"},
        {"name": "watched", "requests": 1, "per": "365d", "mode": "shadow"},
    ]);
    let used_up = registry(&client, &none, &json!({"tiers": {"basic": {"limits": limits}}}));
    let throttled = row("limit_exceeded", "limit_used_up", used_up, Who::Client);
    vec![
        row("misdirected", "host_not_server_name", misdirected, Who::Client).on(Host::ServerName("api.example.com")),
        Refused { before: 1, ..throttled.fields(json!({"certgate.limits": "yearly"})) },
        row("store_unavailable", "store_failed", plain(), Who::Client).on(Host::StoreFails),
        row("store_unavailable", "store_contended", plain(), Who::Client).on(Host::StoreContended),
        row("internal", "host_call_failed", plain(), Who::Client).on(Host::PropertyFails),
        row("internal", "no_configuration", plain(), Who::Client).on(Host::NoConfiguration),
    ]
}
