//! Certificates and CRLs as authorities issue them, made by rcgen when a test wants them. [`crate::der`] makes those that
//! no tool writes.

use crate::der;
use certgate_core::certificate::contents::CertificateContents;
use certgate_core::certificate::{der_from_text, fingerprint};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData, RevokedCertParams,
    SanType, SerialNumber,
};
use time::{Duration, OffsetDateTime};

/// The first and the last moment of a certificate's validity; `thisUpdate` and `nextUpdate` of a CRL.
pub type Period = (OffsetDateTime, OffsetDateTime);

/// A period from and to these days, counted from `now`.
pub fn days(now: OffsetDateTime, (from, to): (i64, i64)) -> Period {
    (now + Duration::days(from), now + Duration::days(to))
}

/// Contents of a certificate that is to be issued.
#[derive(Clone, Debug)]
pub struct Template(CertificateParams);

impl Template {
    /// A certificate with this subject, without extensions, valid in every test.
    pub fn new<V: Clone + Into<DnValue>>(subject: &[(DnType, V)]) -> Self {
        Self(CertificateParams::default()).subject(subject)
    }

    /// A certificate of an authority that signs certificates and CRLs.
    pub fn authority<V: Clone + Into<DnValue>>(subject: &[(DnType, V)]) -> Self {
        let mut template = Self::new(subject);
        template.0.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        template.usages(&[KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign])
    }

    /// With this subject instead.
    pub fn subject<V: Clone + Into<DnValue>>(mut self, subject: &[(DnType, V)]) -> Self {
        self.0.distinguished_name = DistinguishedName::new();
        subject.iter().fold(self, |template, (attribute, value)| template.attribute(attribute.clone(), value.clone()))
    }

    /// With this attribute in its subject.
    pub fn attribute(mut self, attribute: DnType, value: impl Into<DnValue>) -> Self {
        self.0.distinguished_name.push(attribute, value);
        self
    }

    /// With these URIs among its alternative names.
    pub fn uris<'u>(self, uris: impl IntoIterator<Item = &'u str>) -> Self {
        self.names(uris.into_iter().map(|uri| SanType::URI(uri.try_into().expect("a URI in ASCII"))))
    }

    /// With these hosts among its alternative names.
    pub fn hosts<'h>(self, hosts: impl IntoIterator<Item = &'h str>) -> Self {
        self.names(hosts.into_iter().map(|host| SanType::DnsName(host.try_into().expect("a host in ASCII"))))
    }

    /// With these alternative names.
    pub fn names(mut self, names: impl IntoIterator<Item = SanType>) -> Self {
        self.0.subject_alt_names.extend(names);
        self
    }

    /// Valid in this period.
    pub fn valid(mut self, (not_before, not_after): Period) -> Self {
        (self.0.not_before, self.0.not_after) = (not_before, not_after);
        self
    }

    /// With this serial number.
    pub fn serial(mut self, serial: impl Into<SerialNumber>) -> Self {
        self.0.serial_number = Some(serial.into());
        self
    }

    /// With these usages of its key.
    pub fn usages(mut self, usages: &[KeyUsagePurpose]) -> Self {
        self.0.key_usages = usages.to_vec();
        self
    }

    /// With these extended usages of its key.
    pub fn extended_usages(mut self, usages: &[ExtendedKeyUsagePurpose]) -> Self {
        self.0.extended_key_usages = usages.to_vec();
        self
    }

    /// With the identifier of its authority's key.
    pub fn authority_key_identifier(mut self) -> Self {
        self.0.use_authority_key_identifier_extension = true;
        self
    }

    /// The certificate of a new key, signed with that key.
    pub fn self_signed(&self) -> IssuedCertificate {
        self.self_signed_with(&new_key())
    }

    /// The certificate of this key, signed with it.
    pub fn self_signed_with(&self, key: &KeyPair) -> IssuedCertificate {
        IssuedCertificate::new(self.0.self_signed(key).expect("a self-signed certificate").der().to_vec(), key)
    }
}

/// An authority that signs certificates and CRLs.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: IssuedCertificate,
}

impl Authority {
    /// An authority with this certificate, of a new key.
    pub fn new(template: &Template) -> Self {
        Self::with_key(template, new_key())
    }

    /// An authority with this certificate, of this key.
    pub fn with_key(template: &Template, key: KeyPair) -> Self {
        let certificate = template.self_signed_with(&key);
        Self { issuer: Issuer::new(template.0.clone(), key), certificate }
    }

    /// The authority's own certificate, signed with its own key.
    pub fn certificate(&self) -> &IssuedCertificate {
        &self.certificate
    }

    /// The authority's own key.
    pub fn key(&self) -> &KeyPair {
        self.issuer.key()
    }

    /// A certificate of a new key.
    pub fn issue(&self, template: &Template) -> IssuedCertificate {
        self.issue_for(template, &new_key())
    }

    /// A certificate of this key.
    pub fn issue_for(&self, template: &Template, key: &KeyPair) -> IssuedCertificate {
        let certificate = template.0.signed_by(key, &self.issuer).expect("a signed certificate");
        IssuedCertificate::new(certificate.der().to_vec(), key)
    }

    /// PEM of a CRL that revokes these serial numbers, with these moments of its own update and of the next.
    pub fn crl<S: Clone + Into<SerialNumber>>(&self, serials: &[S], (this_update, next_update): Period) -> String {
        let revoked = |serial: &S| RevokedCertParams {
            serial_number: serial.clone().into(),
            revocation_time: this_update,
            reason_code: None,
            invalidity_date: None,
        };
        self.sign_crl(&CertificateRevocationListParams {
            this_update,
            next_update,
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        })
    }

    /// PEM of this CRL.
    pub fn sign_crl(&self, crl: &CertificateRevocationListParams) -> String {
        crl.signed_by(&self.issuer).and_then(|crl| crl.pem()).expect("a signed CRL")
    }
}

/// A new key of ECDSA on P-256.
pub fn new_key() -> KeyPair {
    KeyPair::generate().expect("a new key")
}

/// A certificate with what a registry says of it.
#[derive(Clone, Debug)]
pub struct IssuedCertificate {
    /// The certificate.
    pub der: Vec<u8>,
    /// The certificate.
    pub pem: String,
    /// SHA-256 of the DER form, in 64 lower-case digits.
    pub fingerprint: String,
    /// SHA-256 of the public key's DER form, in 64 lower-case digits.
    pub spki_sha256: String,
}

impl IssuedCertificate {
    /// The certificate with this DER form, of this key.
    pub fn new(der: Vec<u8>, key: &KeyPair) -> Self {
        Self {
            pem: der::pem("CERTIFICATE", &der),
            fingerprint: fingerprint(&der).to_string(),
            spki_sha256: fingerprint(&key.subject_public_key_info()).to_string(),
            der,
        }
    }

    /// The certificate in this PEM text.
    pub fn read(pem: &str) -> Self {
        let der = der_from_text(pem.as_bytes()).expect("a certificate in PEM");
        let contents = CertificateContents::parse(&der).expect("a certificate that can be read");
        Self {
            pem: pem.to_owned(),
            fingerprint: fingerprint(&der).to_string(),
            spki_sha256: data_encoding::HEXLOWER.encode(&contents.spki_sha256),
            der,
        }
    }

    /// SHA-256 of the DER form.
    pub fn sha256(&self) -> [u8; 32] {
        *fingerprint(&self.der).as_bytes()
    }
}
