//! The TBSCertificate of a certificate (RFC 5280 section 4.1.2), field by field. Signatures are not checked: the proxy
//! does.

use super::der::{self, Reader};
use super::unreadable::Unreadable;
use crate::domain::time::Validity;
use x509_parser::asn1_rs::Tag;

/// The object identifier of the subject alternative names, 2.5.29.17: its content in DER.
const SUBJECT_ALTERNATIVE_NAME: &[u8] = b"\x55\x1d\x11";

/// The fields of a TBSCertificate that certgate uses, as they are encoded.
pub(super) struct TbsCertificate<'d> {
    /// The content of the INTEGER.
    pub(super) serial: &'d [u8],
    /// The issuer's `Name`.
    pub(super) issuer: &'d [u8],
    pub(super) validity: Validity,
    /// The subject's `Name`.
    pub(super) subject: &'d [u8],
    /// A `SubjectPublicKeyInfo`.
    pub(super) public_key: &'d [u8],
    /// The `GeneralNames` of the subject alternative names, if the certificate has this extension; an error if the
    /// extensions cannot be read, or if this one occurs twice (RFC 5280 section 4.2).
    pub(super) alternative_names: Result<Option<&'d [u8]>, Unreadable>,
}

impl<'d> TbsCertificate<'d> {
    /// The TBSCertificate of the certificate with this DER form; `None` if it is no certificate, or has more or other
    /// fields than RFC 5280 allows.
    pub(super) fn of(der: &'d [u8]) -> Option<Self> {
        let mut certificate = der::only(der, Tag::Sequence)?;
        let mut signed = certificate.inside(Tag::Sequence)?;
        certificate.inside(Tag::Sequence)?;
        certificate.primitive(Tag::BitString)?;
        certificate.end()?;

        if let Some(mut version) = signed.optional(0) {
            version.primitive(Tag::Integer)?;
            version.end()?;
        }
        let serial = signed.primitive(Tag::Integer)?;
        let _signature_algorithm = signed.inside(Tag::Sequence)?;
        let issuer = signed.raw()?;
        let validity = validity(signed.inside(Tag::Sequence)?)?;
        let subject = signed.raw()?;
        let public_key = signed.raw()?;
        let mut key = der::only(public_key, Tag::Sequence)?;
        key.inside(Tag::Sequence)?.primitive(Tag::Oid)?;
        // A key has no unused bits. OpenSSL reads a key with unused bits as another key.
        key.primitive(Tag::BitString)?.strip_prefix(&[0])?;
        key.end()?;
        let _issuer_id = signed.optional(1);
        let _subject_id = signed.optional(2);
        let alternative_names = match signed.optional(3) {
            Some(extensions) => alternative_names(extensions).ok_or(Unreadable::Der),
            None => Ok(None),
        };
        signed.end()?;
        Some(Self { serial, issuer, validity, subject, public_key, alternative_names })
    }
}

fn validity(mut dates: Reader<'_>) -> Option<Validity> {
    let validity = Validity { not_before: der::moment(dates.raw()?)?, not_after: der::moment(dates.raw()?)? };
    dates.end()?;
    Some(validity)
}

/// The value of the extension with the subject alternative names, if the certificate has it.
fn alternative_names<'d>(mut tagged: Reader<'d>) -> Option<Option<&'d [u8]>> {
    let mut extensions = tagged.inside(Tag::Sequence)?;
    tagged.end()?;
    let mut found = None;
    while !extensions.is_empty() {
        let mut extension = extensions.inside(Tag::Sequence)?;
        let oid = extension.primitive(Tag::Oid)?;
        let mut value = extension.element()?;
        if der::content(&value, Tag::Boolean, false).is_some() {
            // The BOOLEAN is `critical`.
            value = extension.element()?;
        }
        extension.end()?;
        let value = der::content(&value, Tag::OctetString, false)?;
        if oid == SUBJECT_ALTERNATIVE_NAME && found.replace(value).is_some() {
            return None;
        }
    }
    Some(found)
}
