//! The signature of a revocation list: whether it is its issuer's. The filter does not check signatures, since the module
//! has no cryptography but hashes. A build without the feature `signatures` checks none either, and accepts none.

use certgate_core::certificate::crl::{CrlProblem, SignedCrl};
use certgate_core::certificate::distinguished_name::DistinguishedName;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::OID_X509_EXT_KEY_USAGE;
use x509_parser::prelude::FromDer;

/// The reason why a list does not count as an issuer's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyProblem {
    /// The list cannot be read.
    #[error(transparent)]
    Crl(#[from] CrlProblem),
    /// The issuer's certificate cannot be read.
    #[error("the issuer's certificate is not a readable X.509 certificate in PEM form")]
    Issuer,
    /// The list names another issuer.
    #[error("the CRL names another issuer than this certificate's subject")]
    OtherIssuer,
    /// The issuer's key must not sign lists (RFC 5280 section 4.2.1.3).
    #[error("the issuer's certificate has a key usage without cRLSign")]
    KeyUsage,
    /// The algorithm is not known, or not for this key.
    #[error("the CRL is signed with an algorithm that is not supported")]
    Algorithm,
    /// The signature is not by the issuer's key, or not over this list.
    #[error("the CRL's signature does not match the issuer's key")]
    Signature,
    /// This build checks no signatures.
    #[error("the CRL's signature cannot be checked: this program is built without the check of signatures")]
    Unchecked,
}

/// Checks that the list in `crl_pem` is signed by the key of the first certificate in `issuer_pem`, that the names say
/// the same, and that the certificate lets its key sign lists (RFC 5280 section 6.3.3 f and g). Whether
/// that certificate is good is for the caller to know, and whether the list is usable for
/// [`parse`](certgate_core::certificate::crl::parse).
///
/// Algorithms: RSA (PKCS #1 and PSS), ECDSA on P-256 and P-384, Ed25519.
///
/// # Errors
///
/// The first [`VerifyProblem`] found.
pub fn verify(crl_pem: &str, issuer_pem: &str) -> Result<(), VerifyProblem> {
    let list = SignedCrl::from_pem(crl_pem)?;
    let issuer = CertificateDer::from_pem_slice(issuer_pem.as_bytes()).map_err(|_| VerifyProblem::Issuer)?;
    let (_, issuer) = X509Certificate::from_der(&issuer).map_err(|_| VerifyProblem::Issuer)?;
    if DistinguishedName::from_der(issuer.subject().as_raw()).canonical() != list.issuer {
        return Err(VerifyProblem::OtherIssuer);
    }
    let usage = issuer.get_extension_unique(&OID_X509_EXT_KEY_USAGE).map_err(|_| VerifyProblem::Issuer)?;
    match usage.map(|extension| extension.parsed_extension()) {
        None => {}
        Some(ParsedExtension::KeyUsage(usage)) if usage.crl_sign() => {}
        // Also one that cannot be read.
        Some(_) => return Err(VerifyProblem::KeyUsage),
    }
    signed(&list, &issuer)
}

#[cfg(feature = "signatures")]
fn signed(list: &SignedCrl, issuer: &X509Certificate<'_>) -> Result<(), VerifyProblem> {
    use x509_parser::asn1_rs::BitString;
    use x509_parser::error::X509Error;
    use x509_parser::verify::verify_signature;
    use x509_parser::x509::AlgorithmIdentifier;

    let (_, algorithm) = AlgorithmIdentifier::from_der(&list.algorithm).map_err(|_| CrlProblem::Der)?;
    let (_, signature) = BitString::from_der(&list.signature).map_err(|_| CrlProblem::Der)?;
    verify_signature(issuer.public_key(), &algorithm, &signature, &list.tbs).map_err(|problem| match problem {
        X509Error::SignatureUnsupportedAlgorithm => VerifyProblem::Algorithm,
        _ => VerifyProblem::Signature,
    })
}

#[cfg(not(feature = "signatures"))]
fn signed(_list: &SignedCrl, _issuer: &X509Certificate<'_>) -> Result<(), VerifyProblem> {
    Err(VerifyProblem::Unchecked)
}

#[cfg(all(test, feature = "signatures"))]
mod tests {
    use super::*;
    use certgate_core::certificate::crl::parse;
    use certgate_test_support::certificates::{Authority, Template};
    use data_encoding::BASE64_MIME;
    use rcgen::{
        DnType, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
        PKCS_RSA_SHA256, PKCS_RSA_SHA512, date_time_ymd,
    };
    use rustls_pki_types::CertificateRevocationListDer;

    // Made by tests/fixtures/crl/make.sh.
    const CA: &str = include_str!("../../tests/fixtures/crl/ca.pem");
    const AUTHORITY: &str = include_str!("../../tests/fixtures/crl/authority.pem");

    /// An authority of this name, with these usages of its key.
    fn authority(name: &str, usages: &[KeyUsagePurpose]) -> Template {
        Template::authority(&[(DnType::CommonName, name)]).usages(usages)
    }

    #[test]
    fn a_list_counts_as_its_issuers_alone() {
        let usages = [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let period = (date_time_ymd(2024, 2, 29), date_time_ymd(2050, 1, 1));
        for algorithm in
            [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ED25519, &PKCS_RSA_SHA256, &PKCS_RSA_SHA512]
        {
            let key = || KeyPair::generate_for(algorithm).unwrap();
            let (own, other) = (key(), key());
            let certificate = |name, usages: &[_], key: &KeyPair| authority(name, usages).self_signed_with(key).pem;
            let good = certificate("CA", &usages, &own);
            let cases = [
                (certificate("CA", &[], &own), Ok(())),
                (certificate("CA", &usages[..1], &own), Err(VerifyProblem::KeyUsage)),
                (certificate(" Ca ", &usages, &own), Ok(())),
                (certificate("C A", &usages, &own), Err(VerifyProblem::OtherIssuer)),
                (certificate("CA", &usages, &other), Err(VerifyProblem::Signature)),
                ("no certificate".to_owned(), Err(VerifyProblem::Issuer)),
            ];
            let crl = Authority::with_key(&authority("CA", &usages), own).crl(&[5_u64], period);
            assert_eq!(verify(&crl, &good), Ok(()), "{algorithm:?}");
            for (issuer, expected) in cases {
                assert_eq!(verify(&crl, &issuer), expected, "{algorithm:?}");
            }
            let mut forged = CertificateRevocationListDer::from_pem_slice(crl.as_bytes()).unwrap().to_vec();
            let serial = forged.windows(4).position(|bytes| bytes == [2, 1, 5, 0x17]).unwrap();
            forged[serial.checked_add(2).unwrap()] = 6;
            let forged = format!("-----BEGIN X509 CRL-----\n{}-----END X509 CRL-----\n", BASE64_MIME.encode(&forged));
            assert!(parse(&forged).unwrap().contains(&[6]));
            assert_eq!(verify(&forged, &good), Err(VerifyProblem::Signature), "{algorithm:?}");
            assert_eq!(verify(&good, &good), Err(VerifyProblem::Crl(CrlProblem::Certificate)));
        }
        assert_eq!(verify(AUTHORITY, CA), Ok(()));
    }

    /// From a public report: the issuer's name is in another string type than in its certificate.
    #[test]
    fn the_string_type_of_a_name_makes_no_difference() {
        let issuer = include_str!("../../tests/fixtures/reports/ca.pem");
        for list in [
            include_str!("../../tests/fixtures/reports/crl-printableissuer.pem"),
            include_str!("../../tests/fixtures/reports/crl-plain.pem"),
        ] {
            assert_eq!(verify(list, issuer), Ok(()));
        }
    }
}
