//! Certificates with their keys, for TLS: authorities, servers and clients of every kind that certgate meets.

use certgate_test_support::certificates::{self, Period, Template};
use rcgen::{
    DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
    PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData, RsaKeySize, SanType, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use std::ops::RangeInclusive;
use time::{Duration, OffsetDateTime};

/// An authority that signs certificates.
pub struct Authority {
    authority: certificates::Authority,
    identity: Identity,
}

impl Authority {
    /// A new authority. Its listener says whether it is trusted.
    pub fn new(name: &str) -> Self {
        let template = Template::authority(&[(DnType::CommonName, name)]).valid(period(&(-3600..=86_400 * 30)));
        let authority = certificates::Authority::with_key(&template, Key::EcdsaP256.generate());
        let identity = Identity::of(authority.certificate().der.clone(), authority.key());
        Self { authority, identity }
    }

    /// A certificate signed by this authority.
    pub fn issue(&self, leaf: &Leaf) -> Identity {
        self.sign(leaf, &leaf.key.generate())
    }

    /// A certificate for the key of this one.
    pub fn renew(&self, identity: &Identity, leaf: &Leaf) -> Identity {
        self.sign(leaf, &identity.key_pair())
    }

    fn sign(&self, leaf: &Leaf, key: &KeyPair) -> Identity {
        Identity::of(self.authority.issue_for(&leaf.template(), key).der, key)
    }

    /// A CRL, in PEM, that revokes these; `nextUpdate` is so many seconds from now.
    pub fn crl(&self, revoked: &[&Identity], next_update: i64) -> String {
        let serials: Vec<_> = revoked.iter().map(|identity| identity.serial()).collect();
        self.authority.crl(&serials, period(&(-3600..=next_update)))
    }

    /// A client certificate with this common name and nothing out of the ordinary.
    pub fn client(&self, common_name: &str) -> Identity {
        self.issue(&Leaf::client(common_name))
    }

    /// The authority's own certificate.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

/// A certificate with its key.
#[derive(Debug)]
pub struct Identity {
    /// The certificate.
    pub der: CertificateDer<'static>,
    /// The certificate.
    pub certificate_pem: String,
    /// The private key, in PKCS #8.
    pub key: PrivateKeyDer<'static>,
    /// The private key, in PKCS #8.
    pub key_pem: String,
}

impl Identity {
    /// A certificate with this DER form, whatever it says, and this key.
    pub fn of(der: impl Into<CertificateDer<'static>>, key: &KeyPair) -> Self {
        let der = der.into();
        Self {
            certificate_pem: super::der::pem("CERTIFICATE", &der),
            der,
            key: PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
            key_pem: key.serialize_pem(),
        }
    }

    /// SHA-256 of the DER form, in 64 lower-case digits.
    pub fn fingerprint(&self) -> String {
        data_encoding::HEXLOWER.encode(&Sha256::digest(&self.der))
    }

    /// SHA-256 of the public key's DER form, in 64 lower-case digits.
    pub fn spki_sha256(&self) -> String {
        data_encoding::HEXLOWER.encode(&Sha256::digest(self.key_pair().subject_public_key_info()))
    }

    /// The certificate's serial number.
    pub fn serial(&self) -> SerialNumber {
        // Behind two long headers and the version.
        let [2, length, rest @ ..] = &self.der[13..] else { panic!("a certificate of another form") };
        SerialNumber::from_slice(&rest[..usize::from(*length)])
    }

    fn key_pair(&self) -> KeyPair {
        KeyPair::from_pem(&self.key_pem).expect("a key")
    }
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self {
            der: self.der.clone(),
            certificate_pem: self.certificate_pem.clone(),
            key: self.key.clone_key(),
            key_pem: self.key_pem.clone(),
        }
    }
}

/// The kind of a certificate's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// ECDSA on P-256.
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// ECDSA on P-521.
    EcdsaP521,
    /// Ed25519.
    Ed25519,
    /// RSA with 2048 bits.
    Rsa2048,
    /// RSA with 4096 bits.
    Rsa4096,
}

impl Key {
    fn generate(self) -> KeyPair {
        match self {
            Self::EcdsaP256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            Self::EcdsaP384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
            Self::EcdsaP521 => KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512),
            Self::Ed25519 => KeyPair::generate_for(&PKCS_ED25519),
            Self::Rsa4096 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_4096),
            Self::Rsa2048 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
        }
        .expect("a new key")
    }
}

/// Contents of a certificate that is to be issued.
#[derive(Clone, Debug)]
pub struct Leaf {
    template: Template,
    valid: RangeInclusive<i64>,
    key: Key,
}

impl Leaf {
    /// A client's, with an ECDSA key, valid since an hour ago and for a day.
    pub fn client(common_name: &str) -> Self {
        let template = Template::new(&[(DnType::CommonName, common_name)])
            .usages(&[KeyUsagePurpose::DigitalSignature])
            .extended_usages(&[ExtendedKeyUsagePurpose::ClientAuth])
            .authority_key_identifier();
        Self { template, valid: -3600..=86_400, key: Key::EcdsaP256 }
    }

    /// A server's, for these host names and 127.0.0.1.
    pub fn server(hosts: &[&str]) -> Self {
        Self::client("server").with(|template| {
            let template = template.extended_usages(&[ExtendedKeyUsagePurpose::ServerAuth]);
            template.names([SanType::IpAddress([127, 0, 0, 1].into())]).hosts(hosts.iter().copied())
        })
    }

    /// A workload's with this SPIFFE ID, as a client and as a server.
    pub fn workload(spiffe_id: &str) -> Self {
        let purposes = [ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        Self::client("workload").with(|template| template.extended_usages(&purposes)).uri(spiffe_id)
    }

    fn with(self, change: impl FnOnce(Template) -> Template) -> Self {
        Self { template: change(self.template), ..self }
    }

    /// With this kind of key instead.
    pub fn key(self, key: Key) -> Self {
        Self { key, ..self }
    }

    /// Valid from and to these seconds, counted from now.
    pub fn valid(self, seconds: RangeInclusive<i64>) -> Self {
        Self { valid: seconds, ..self }
    }

    /// With this organizational unit in its subject.
    pub fn organizational_unit(self, unit: &str) -> Self {
        self.with(|template| template.attribute(DnType::OrganizationalUnitName, unit))
    }

    /// With one more URI among its names.
    pub fn uri(self, uri: &str) -> Self {
        self.with(|template| template.uris([uri]))
    }

    /// With one more host among its names.
    pub fn dns(self, host: &str) -> Self {
        self.with(|template| template.hosts([host]))
    }

    /// A certificate with these contents, signed with its own key.
    pub fn self_signed(&self) -> Identity {
        let key = self.key.generate();
        Identity::of(self.template().self_signed_with(&key).der, &key)
    }

    fn template(&self) -> Template {
        self.template.clone().valid(period(&self.valid))
    }
}

/// A period from and to these seconds, counted from now.
fn period(seconds: &RangeInclusive<i64>) -> Period {
    let now = OffsetDateTime::now_utc();
    (now + Duration::seconds(*seconds.start()), now + Duration::seconds(*seconds.end()))
}
