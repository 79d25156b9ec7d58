//! The check of a CRL's signature. For the command line only: the module has no cryptography but a hash.

use super::tbs_cert_list::{CertificateList, TbsCertList};
use super::{CrlProblem, der_from_pem};
use crate::certificate::canonical_name;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::asn1_rs::BitString;
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::OID_X509_EXT_KEY_USAGE;
use x509_parser::prelude::FromDer;
use x509_parser::verify::verify_signature;
use x509_parser::x509::AlgorithmIdentifier;

/// The reason why a CRL is not its issuer's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyProblem {
    /// The CRL cannot be read.
    #[error(transparent)]
    Crl(#[from] CrlProblem),
    /// The issuer's certificate cannot be read.
    #[error("the issuer's certificate is not a readable X.509 certificate in PEM form")]
    Issuer,
    /// The CRL names another issuer.
    #[error("the CRL names another issuer than this certificate's subject")]
    OtherIssuer,
    /// The issuer's key must not sign CRLs (RFC 5280 section 4.2.1.3).
    #[error("the issuer's certificate has a key usage without cRLSign")]
    KeyUsage,
    /// The algorithm is unknown, or does not fit the key.
    #[error("the CRL is signed with an algorithm that is not supported")]
    Algorithm,
    /// The signature is not by the issuer's key, or not over this CRL.
    #[error("the CRL's signature does not match the issuer's key")]
    Signature,
}

/// Checks that the CRL in `crl_pem` is signed by the key of the first certificate in `issuer_pem`, that the issuer's
/// name is the certificate's subject, and that the certificate allows its key to sign CRLs (RFC 5280 section 6.3.3 f
/// and g). Does not check the certificate itself, or whether [`parse`](super::parse) accepts the CRL.
///
/// Algorithms: RSA (PKCS #1 and PSS), ECDSA on P-256 and P-384, Ed25519.
///
/// # Errors
///
/// The first [`VerifyProblem`] found.
pub fn verify(crl_pem: &str, issuer_pem: &str) -> Result<(), VerifyProblem> {
    let der = der_from_pem(crl_pem)?;
    let list = CertificateList::read(&der)?;
    let tbs = TbsCertList::read(&list)?;

    let issuer = CertificateDer::from_pem_slice(issuer_pem.as_bytes()).map_err(|_| VerifyProblem::Issuer)?;
    let (_, issuer) = X509Certificate::from_der(&issuer).map_err(|_| VerifyProblem::Issuer)?;
    if canonical_name::of(issuer.subject().as_raw()) != canonical_name::of(tbs.issuer) {
        return Err(VerifyProblem::OtherIssuer);
    }
    let usage = issuer.get_extension_unique(&OID_X509_EXT_KEY_USAGE).map_err(|_| VerifyProblem::Issuer)?;
    match usage.map(|extension| extension.parsed_extension()) {
        None => {}
        Some(ParsedExtension::KeyUsage(usage)) if usage.crl_sign() => {}
        // A key usage that cannot be read allows nothing.
        Some(_) => return Err(VerifyProblem::KeyUsage),
    }
    let (_, algorithm) = AlgorithmIdentifier::from_der(list.algorithm).map_err(|_| CrlProblem::Der)?;
    let (_, signature) = BitString::from_der(list.signature).map_err(|_| CrlProblem::Der)?;
    verify_signature(issuer.public_key(), &algorithm, &signature, list.tbs.raw).map_err(|problem| match problem {
        X509Error::SignatureUnsupportedAlgorithm => VerifyProblem::Algorithm,
        _ => VerifyProblem::Signature,
    })
}
