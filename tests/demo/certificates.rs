//! Certificates of the demo: an authority, and a server and clients with certificates of this authority.

use crate::places::{file, write};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::error::Error;
use std::sync::Arc;
use time::{Duration, OffsetDateTime};

/// The days for which certificates are valid.
const DAYS: i64 = 30;

/// An authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

/// A client's certificate with its key.
pub(crate) struct Identity {
    /// The name of its files and of its subject.
    pub(crate) name: &'static str,
    /// The certificate in PEM.
    pub(crate) pem: String,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    /// A new authority. Its certificate is in `ca.pem` and its key in `ca.key`, for certificates of the reader's own.
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        let mut params = parameters("certgate demo CA", &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        write(file("ca.pem"), &certificate.pem())?;
        write(file("ca.key"), &key.serialize_pem())?;
        Ok(Self { issuer: Issuer::new(params, key), certificate: certificate.into() })
    }

    /// Makes the certificate of the server: `server.pem` and `server.key`.
    pub(crate) fn server(&self) -> Result<(), Box<dyn Error>> {
        self.sign("server", parameters("localhost", &["localhost"])?, ExtendedKeyUsagePurpose::ServerAuth).map(drop)
    }

    /// A client's certificate, in files of this name.
    pub(crate) fn client(&self, name: &'static str) -> Result<Identity, Box<dyn Error>> {
        self.sign(name, parameters(name, &[])?, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(
        &self,
        name: &'static str,
        mut params: CertificateParams,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Identity, Box<dyn Error>> {
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let pem = certificate.pem();
        write(file(&format!("{name}.pem")), &pem)?;
        write(file(&format!("{name}.key")), &key.serialize_pem())?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        Ok(Identity { name, pem, certificate: certificate.into(), key })
    }

    /// The TLS settings of a client that trusts this authority and shows this certificate, if any.
    pub(crate) fn tls(&self, identity: Option<&Identity>) -> Result<Arc<ClientConfig>, Box<dyn Error>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()?;
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = builder.with_webpki_verifier(verifier);
        Ok(Arc::new(match identity {
            Some(Identity { certificate, key, .. }) => {
                builder.with_client_auth_cert(vec![certificate.clone()], key.clone_key())?
            }
            None => builder.with_no_client_auth(),
        }))
    }
}

fn parameters(common_name: &str, hosts: &[&str]) -> Result<CertificateParams, Box<dyn Error>> {
    let mut params = CertificateParams::new(hosts.iter().map(|&host| host.to_owned()).collect::<Vec<_>>())?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, common_name);
    let now = OffsetDateTime::now_utc();
    // A clock that is an hour behind takes the certificate for valid too.
    params.not_before = now.saturating_sub(Duration::HOUR);
    params.not_after = now.saturating_add(Duration::days(DAYS));
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}
