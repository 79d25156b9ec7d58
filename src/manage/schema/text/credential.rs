//! Fingerprints, certificates and revocation lists.

use super::Form;

/// Fingerprints.
pub(super) fn fingerprint() -> Vec<Form> {
    const SPACE: &str = r"[ \t\n\f\r]*";
    const LABEL: &str = "([Ss][Hh][Aa]256(:| [Ff][Ii][Nn][Gg][Ee][Rr][Pp][Rr][Ii][Nn][Tt]=))?";
    const HEX: &str = "[0-9A-Fa-f]{64}|([0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}";
    // The last of 43 characters has two bits that belong to no byte.
    const BASE64: &str = "([A-Za-z0-9+/]{42}|[A-Za-z0-9_-]{42})[AEIMQUYcgkosw048]=?";
    vec![
        Form::of(format!("^{SPACE}{LABEL}({HEX}|{BASE64}){SPACE}$"))
            // Hexadecimal digits alone are not read as base64.
            .not([format!("^{SPACE}{LABEL}[0-9A-Fa-f]{{43}}{SPACE}$")]),
    ]
}

/// Certificates. Their content is beyond a pattern; a URL-encoded text has a `%`.
pub(super) fn certificate() -> Vec<Form> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    vec![Form::of(format!("{BEGIN}|%")).not([format!(r"{BEGIN}[\s\S]*{BEGIN}")])]
}

/// Certificates, and others after the first.
pub(super) fn certificate_or_chain() -> Vec<Form> {
    vec![Form::of("-----BEGIN CERTIFICATE-----|%")]
}

/// Certificate revocation lists.
pub(super) fn crl() -> Vec<Form> {
    const BEGIN: &str = "-----BEGIN X509 CRL-----";
    vec![Form::of(BEGIN).not([format!(r"{BEGIN}[\s\S]*{BEGIN}")])]
}
