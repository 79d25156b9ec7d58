//! Certificates and revocation lists written by hand, in forms that no tool writes.

use rcgen::{KeyPair, PublicKeyData, SigningKey};

/// `commonName`, the content of its object identifier.
pub const COMMON_NAME: &[u8] = b"\x55\x04\x03";
/// `organizationName`.
pub const ORGANIZATION: &[u8] = b"\x55\x04\x0a";

/// ECDSA with SHA-256 as an algorithm.
const ALGORITHM: &[u8] = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";

/// An element of this kind that consists of these parts.
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let [.., high, low] = length.to_be_bytes();
    let head = match length {
        ..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        0x100..0x1_0000 => vec![tag, 0x82, high, low],
        _ => panic!("{length} bytes are more than any of these has"),
    };
    [head, content].concat()
}

/// A `Name`: relative distinguished names of attributes, each with its type and its whole value.
pub fn name(relative: &[Vec<(&[u8], Vec<u8>)>]) -> Vec<u8> {
    let sets = relative.iter().map(|attributes| {
        let pairs = attributes.iter().map(|(oid, value)| element(0x30, &[&element(6, &[oid]), value]));
        element(0x31, &[&pairs.collect::<Vec<_>>().concat()])
    });
    element(0x30, &[&sets.collect::<Vec<_>>().concat()])
}

/// An extension that is not critical.
pub fn extension(oid: &[u8], value: &[u8]) -> Vec<u8> {
    element(0x30, &[&element(6, &[oid]), &element(4, &[value])])
}

/// A certificate's parts, each as it is written, tag and length with it.
#[derive(Clone)]
pub struct Certificate {
    /// `[0]` with the version; may be empty.
    pub version: Vec<u8>,
    /// INTEGER with the serial number.
    pub serial: Vec<u8>,
    /// Name of the issuer.
    pub issuer: Vec<u8>,
    /// UTCTime or GeneralizedTime.
    pub not_before: Vec<u8>,
    /// UTCTime or GeneralizedTime.
    pub not_after: Vec<u8>,
    /// Name of the subject.
    pub subject: Vec<u8>,
    /// SubjectPublicKeyInfo.
    pub key: Vec<u8>,
    /// `[3]` with the extensions; may be empty.
    pub extensions: Vec<u8>,
}

impl Certificate {
    /// A certificate without extensions, valid for as long as any test needs it.
    pub fn new(issuer: &[u8], subject: &[u8], key: &KeyPair) -> Self {
        Self {
            version: b"\xa0\x03\x02\x01\x02".to_vec(),
            serial: b"\x02\x01\x05".to_vec(),
            issuer: issuer.to_vec(),
            not_before: element(0x17, &[b"200101000000Z"]),
            not_after: element(0x18, &[b"21200101000000Z"]),
            subject: subject.to_vec(),
            key: key.subject_public_key_info(),
            extensions: Vec::new(),
        }
    }

    /// With these extensions.
    pub fn extensions(self, extensions: &[&[u8]]) -> Self {
        Self { extensions: element(0xa3, &[&element(0x30, extensions)]), ..self }
    }

    /// With `basicConstraints` and `keyUsage` of an authority that signs certificates and lists.
    pub fn of_authority(self) -> Self {
        let constraints = extension(b"\x55\x1d\x13", b"\x30\x03\x01\x01\xff");
        self.extensions(&[&constraints, &extension(b"\x55\x1d\x0f", b"\x03\x02\x01\x06")])
    }

    /// Its DER form with this signature.
    pub fn der(&self, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let Self { version, serial, issuer, not_before, not_after, subject, key, extensions } = self;
        let validity = element(0x30, &[not_before, not_after]);
        let body = element(0x30, &[version, serial, ALGORITHM, issuer, &validity, subject, key, extensions]);
        element(0x30, &[&body, ALGORITHM, &element(3, &[&[0], &sign(&body)])])
    }

    /// Its DER form, signed with this key.
    pub fn signed(&self, key: &KeyPair) -> Vec<u8> {
        self.der(|body| key.sign(body).unwrap())
    }
}

/// The DER form of this issuer's list of version 1, which revokes the serial number 5.
pub fn list(issuer: &[u8], key: &KeyPair) -> Vec<u8> {
    let this_update = element(0x17, &[b"240101000000Z"]);
    let next_update = element(0x18, &[b"21200101000000Z"]);
    let entry = element(0x30, &[b"\x02\x01\x05", &this_update]);
    let body = element(0x30, &[ALGORITHM, issuer, &this_update, &next_update, &element(0x30, &[&entry])]);
    element(0x30, &[&body, ALGORITHM, &element(3, &[&[0], &key.sign(&body).unwrap()])])
}

/// PEM with this label.
pub fn pem(label: &str, der: &[u8]) -> String {
    let base64 = data_encoding::BASE64.encode(der);
    let lines: Vec<_> = base64.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// The certificate of an authority with this name, as PEM text.
pub fn authority(name: &[u8], key: &KeyPair) -> String {
    pem("CERTIFICATE", &Certificate::new(name, name, key).of_authority().signed(key))
}
