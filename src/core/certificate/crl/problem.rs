//! Problems of CRLs.

/// The reason why a text is not a usable CRL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CrlProblem {
    /// There is no PEM block `X509 CRL`.
    #[error("no PEM block X509 CRL")]
    Missing,
    /// The PEM text is cut off, or its base64 is broken.
    #[error("broken PEM")]
    Pem,
    /// The text contains a private key.
    #[error("expected a CRL, found a private key: take it out, and consider it known")]
    PrivateKey,
    /// The text contains a certificate.
    #[error("expected a CRL, found a certificate")]
    Certificate,
    /// The text contains several CRLs.
    #[error("expected one CRL, found several")]
    Several,
    /// The DER form is not that of a CRL, or bytes follow it.
    #[error("not an X.509 CRL in DER form")]
    Der,
    /// The CRL has another version (RFC 5280 section 5.1.2.1).
    #[error("expected a CRL of version 1 or 2")]
    Version,
    /// The CRL is a delta CRL (section 5.2.4).
    #[error("expected a complete CRL, found a delta CRL")]
    Delta,
    /// The CRL is indirect: it covers other issuers too (sections 5.2.5 and 5.3.3).
    #[error("expected the CRL of one issuer, found an indirect CRL")]
    Indirect,
    /// The CRL covers some reasons only (section 5.2.5).
    #[error("expected a CRL for all reasons, found one for some reasons only")]
    SomeReasons,
    /// The CRL covers CA certificates only (section 5.2.5).
    #[error("expected a CRL for clients' certificates, found one for CA certificates only")]
    CaOnly,
    /// The CRL covers attribute certificates only (section 5.2.5).
    #[error("expected a CRL for clients' certificates, found one for attribute certificates only")]
    AttributesOnly,
    /// The CRL has an unknown critical extension, so it must not be used (sections 5.2 and 5.3).
    #[error("unknown critical extension {0}")]
    CriticalExtension(String),
}
