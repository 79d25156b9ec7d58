//! Certificate revocation lists (RFC 5280 section 5): the serial numbers that one issuer has revoked. Accepts only CRLs
//! that are complete for end-entity certificates, since a certificate that a partial CRL leaves out would pass as good.
//! Reads no clock.

mod der;
mod extension;
mod problem;
mod tbs_cert_list;

use super::canonical_name;
use super::distinguished_name::DistinguishedName;
use crate::domain::revocation::{CanonicalName, RevocationList};
use crate::domain::serials::Serials;
use der::Reader;
use extension::Extensions;
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::{PemObject, SectionKind};
use tbs_cert_list::{CertificateList, TbsCertList};

pub use problem::CrlProblem;

/// The only CRL in `pem_text`, of version 1 or 2. The signature is not checked: the CRL is trusted as its source is.
///
/// # Errors
///
/// The first [`CrlProblem`] found.
pub fn parse(pem_text: &str) -> Result<RevocationList, CrlProblem> {
    let der = der_from_pem(pem_text)?;
    let tbs = TbsCertList::read(&CertificateList::read(&der)?)?;
    tbs.extensions.check_list()?;
    Ok(RevocationList {
        issuer: canonical_name::of(tbs.issuer),
        issuer_name: DistinguishedName::from_der(tbs.issuer).to_rfc4514().into(),
        next_update: tbs.next_update,
        serials: revoked(tbs.entries)?,
        strict: false,
    })
}

/// A CRL in the parts that a check of its signature needs (RFC 5280 section 5.1.1).
pub struct SignedCrl {
    /// The name of the CRL's issuer.
    pub issuer: CanonicalName,
    /// `tbsCertList`, which is signed, in DER form.
    pub tbs: Vec<u8>,
    /// `signatureAlgorithm`, in DER form.
    pub algorithm: Vec<u8>,
    /// `signatureValue`, in DER form.
    pub signature: Vec<u8>,
}

impl SignedCrl {
    /// The only CRL in `pem_text`, whether [`parse`] accepts it or not.
    ///
    /// # Errors
    ///
    /// The errors of [`parse`] up to the issuer.
    // Inlined, so that a module that never calls it has [`parse`] as the only caller of what both need.
    #[inline]
    pub fn from_pem(pem_text: &str) -> Result<Self, CrlProblem> {
        let der = der_from_pem(pem_text)?;
        let list = CertificateList::read(&der)?;
        let issuer = canonical_name::of(TbsCertList::read(&list)?.issuer);
        let [tbs, algorithm, signature] = [list.tbs.raw, list.algorithm, list.signature].map(<[u8]>::to_vec);
        Ok(Self { issuer, tbs, algorithm, signature })
    }
}

/// The name of the CRL's issuer.
///
/// # Errors
///
/// The errors of [`parse`] up to the issuer.
// Inlined as `SignedCrl::from_pem` is.
#[inline]
pub fn issuer(pem_text: &str) -> Result<DistinguishedName, CrlProblem> {
    let der = der_from_pem(pem_text)?;
    Ok(DistinguishedName::from_der(TbsCertList::read(&CertificateList::read(&der)?)?.issuer))
}

fn der_from_pem(text: &str) -> Result<CertificateRevocationListDer<'static>, CrlProblem> {
    // Searched for in the text, since the PEM reader skips some kinds of private keys.
    if text.contains("PRIVATE KEY-----") {
        return Err(CrlProblem::PrivateKey);
    }
    let mut found = None;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
        match section.map_err(|_| CrlProblem::Pem)? {
            (SectionKind::Crl, der) if found.is_none() => found = Some(der.into()),
            (SectionKind::Crl, _) => return Err(CrlProblem::Several),
            (SectionKind::Certificate, _) => return Err(CrlProblem::Certificate),
            _ => {}
        }
    }
    found.ok_or(CrlProblem::Missing)
}

/// The serial numbers of the entries (RFC 5280 section 5.1.2.6). Revocation dates are not used.
fn revoked(mut entries: Reader<'_>) -> Result<Serials, CrlProblem> {
    let mut serials = Vec::new();
    while let Some(entry) = entries.optional(der::SEQUENCE)? {
        let mut fields = Reader::new(entry.content);
        let serial = fields.take(der::INTEGER)?.content;
        fields.take_time()?;
        let extensions = fields.optional(der::SEQUENCE)?;
        fields.end()?;
        if serial.is_empty() {
            return Err(CrlProblem::Der);
        }
        if extensions.map_or(Ok(true), |list| Extensions(Reader::new(list.content)).say_revoked())? {
            serials.push(serial);
        }
    }
    entries.end()?;
    Ok(Serials::new(serials))
}

#[cfg(test)]
mod tests;
