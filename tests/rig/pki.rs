//! Certificates, made when a test wants them: authorities, servers and clients of every kind that certgate meets.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData, RevokedCertParams,
    RsaKeySize, SanType, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use std::ops::RangeInclusive;
use time::{Duration, OffsetDateTime};

/// An authority that signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    identity: Identity,
}

impl Authority {
    /// A new one. Whether anybody trusts it is for the listener to say.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params.not_before, params.not_after) = dates(&(-3600..=86_400 * 30));
        let key = Key::EcdsaP256.generate();
        let certificate = params.self_signed(&key).expect("a self-signed authority");
        let identity = Identity::new(&certificate, &key);
        Self { issuer: Issuer::new(params, key), identity }
    }

    /// A certificate signed by this authority.
    pub fn issue(&self, leaf: &Leaf) -> Identity {
        self.sign(leaf, &leaf.key.generate())
    }

    /// The same for the key that this one has.
    pub fn renew(&self, identity: &Identity, leaf: &Leaf) -> Identity {
        self.sign(leaf, &identity.key_pair())
    }

    fn sign(&self, leaf: &Leaf, key: &KeyPair) -> Identity {
        let certificate = leaf.params().signed_by(key, &self.issuer).expect("a signed certificate");
        Identity::new(&certificate, key)
    }

    /// A list, in PEM, that revokes these, and that another one is to follow so many seconds from now.
    pub fn crl(&self, revoked: &[&Identity], next_update: i64) -> String {
        let (this_update, next_update) = dates(&(-3600..=next_update));
        let revoked = revoked.iter().map(|identity| RevokedCertParams {
            serial_number: identity.serial(),
            revocation_time: this_update,
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update,
            next_update,
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).and_then(|list| list.pem()).expect("a signed list")
    }

    /// A client certificate with this common name and nothing out of the ordinary.
    pub fn client(&self, common_name: &str) -> Identity {
        self.issue(&Leaf::client(common_name))
    }

    /// Its own certificate.
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
    /// Its private key, in PKCS #8.
    pub key: PrivateKeyDer<'static>,
    /// Its private key, in PKCS #8.
    pub key_pem: String,
}

impl Identity {
    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self::of(certificate.der().clone(), key)
    }

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

/// What kind of key a certificate has.
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

/// What a certificate is to say.
#[derive(Clone, Debug)]
pub struct Leaf {
    common_name: String,
    organizational_unit: Option<String>,
    names: Vec<SanType>,
    valid: RangeInclusive<i64>,
    key: Key,
    purposes: Vec<ExtendedKeyUsagePurpose>,
}

impl Leaf {
    /// A client's, with an ECDSA key, valid since an hour ago and for a day.
    pub fn client(common_name: &str) -> Self {
        Self {
            common_name: common_name.to_owned(),
            organizational_unit: None,
            names: Vec::new(),
            valid: -3600..=86_400,
            key: Key::EcdsaP256,
            purposes: vec![ExtendedKeyUsagePurpose::ClientAuth],
        }
    }

    /// A server's, for these host names and 127.0.0.1.
    pub fn server(hosts: &[&str]) -> Self {
        let mut leaf = Self { purposes: vec![ExtendedKeyUsagePurpose::ServerAuth], ..Self::client("server") };
        leaf.names.push(SanType::IpAddress([127, 0, 0, 1].into()));
        hosts.iter().fold(leaf, |leaf, host| leaf.dns(host))
    }

    /// A workload's with this SPIFFE ID, as a client and as a server.
    pub fn workload(spiffe_id: &str) -> Self {
        let purposes = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        Self { purposes, ..Self::client("workload") }.uri(spiffe_id)
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
        Self { organizational_unit: Some(unit.to_owned()), ..self }
    }

    /// With one more URI among its names.
    pub fn uri(self, uri: &str) -> Self {
        self.name(SanType::URI(uri.try_into().expect("a URI in ASCII")))
    }

    /// With one more host among its names.
    pub fn dns(self, host: &str) -> Self {
        self.name(SanType::DnsName(host.try_into().expect("a host in ASCII")))
    }

    fn name(mut self, name: SanType) -> Self {
        self.names.push(name);
        self
    }

    /// This certificate, signed with its own key.
    pub fn self_signed(&self) -> Identity {
        let key = self.key.generate();
        let certificate = self.params().self_signed(&key).expect("a self-signed certificate");
        Identity::new(&certificate, &key)
    }

    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, self.common_name.as_str());
        if let Some(unit) = &self.organizational_unit {
            params.distinguished_name.push(DnType::OrganizationalUnitName, unit.as_str());
        }
        params.subject_alt_names.clone_from(&self.names);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = self.purposes.clone();
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = dates(&self.valid);
        params
    }
}

fn dates(seconds: &RangeInclusive<i64>) -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    (now + Duration::seconds(*seconds.start()), now + Duration::seconds(*seconds.end()))
}
