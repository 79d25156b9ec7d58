//! Certificates that are the same in each run, to the last byte: fuel depends on them.

use certgate_test_support::certificates::{IssuedCertificate, Template};
use rcgen::{DnType, KeyPair, date_time_ymd};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// The bytes before the 32 of an Ed25519 key in PKCS #8 (RFC 8410).
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// A client's certificate.
pub(crate) struct Certificate {
    issued: IssuedCertificate,
    /// Whether Envoy says that it has verified the chain.
    is_verified: bool,
}

impl Certificate {
    /// The certificate of this name, always the same, and valid as long as any test needs it.
    pub(crate) fn of(common_name: &str) -> Self {
        Self::with_hosts(common_name, &[])
    }

    /// The certificate of this name with these DNS names.
    pub(crate) fn with_hosts(common_name: &str, hosts: &[String]) -> Self {
        let key: Vec<u8> = PKCS8.into_iter().chain(Sha256::digest(common_name)).collect();
        // Ed25519, since it signs without randomness.
        let key = KeyPair::try_from(key).expect("a key");
        let period = (date_time_ymd(2020, 1, 1), date_time_ymd(2120, 1, 1));
        let template = Template::new(&[(DnType::CommonName, common_name)]).serial(7).valid(period);
        let hosts = hosts.iter().map(String::as_str);
        Self { issued: template.hosts(hosts).self_signed_with(&key), is_verified: false }
    }

    /// The certificate on a connection of which Envoy says that it has verified the chain.
    pub(crate) fn verified(self) -> Self {
        Self { is_verified: true, ..self }
    }

    /// SHA-256 of the public key with its algorithm, in 64 lower-case digits.
    pub(crate) fn spki_sha256(&self) -> &str {
        &self.issued.spki_sha256
    }

    /// SHA-256 of the DER form, in 64 lower-case digits.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.issued.fingerprint
    }

    /// Envoy's properties of a connection with it.
    pub(crate) fn properties(&self) -> HashMap<&'static str, String> {
        HashMap::from([
            ("connection\0sha256_peer_certificate_digest", self.issued.fingerprint.clone()),
            ("connection\0peer_certificate", self.issued.pem.clone()),
            ("connection\0subject_peer_certificate", "CN=client".to_owned()),
            ("connection\0peer_certificate_valid", if self.is_verified { "\u{1}" } else { "\0" }.to_owned()),
        ])
    }
}

/// Lower-case digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}
