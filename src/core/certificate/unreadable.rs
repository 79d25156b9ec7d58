//! The problems of certificates.

/// The reason why bytes are not a usable certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There is no PEM block `CERTIFICATE` in the text, or its base64 is broken.
    #[error("no readable PEM block CERTIFICATE")]
    Pem,
    /// The DER form is not an X.509 certificate, or bytes follow it.
    #[error("not an X.509 certificate in DER form")]
    Der,
}
