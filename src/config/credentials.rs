//! One item of `clients[].credentials`: to a credential.

use super::error::{Errors, Problem};
use super::fields::{Fields, Located, Names};
use super::fingerprint;
use super::path::Path;
use super::show::Found;
use crate::certificate;
use crate::domain::client::{ClientIndex, Credential};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::time::Validity;

const IDENTIFIER: &str = "either `sha256` or `pem`";
const SHA256: &str = "the certificate's SHA-256 as text";
const PEM: &str = "a certificate as PEM text";

/// The credential that `value` describes, which stands at `position` in its client's list, and its certificate's dates if it
/// has the certificate.
pub(super) fn read(
    value: Located<'_>,
    client: ClientIndex,
    position: usize,
    names: &mut Names<'_>,
    errors: &mut Errors,
) -> Option<(Credential, Option<Validity>)> {
    let fields = value.fields(&["sha256", "pem", "name", "revoked"], "a map with `sha256` or `pem`", errors)?;
    let certificate = certificate(&fields, &value.path, errors);
    if let Some(name) = fields.optional("name") {
        name.unique_name(names, position, errors);
    }
    let revoked = fields.optional("revoked").map_or(Some(false), |revoked| revoked.boolean(errors));
    let (fingerprint, validity) = certificate?;
    Some((Credential { client, fingerprint, revoked: revoked? }, validity))
}

fn certificate(fields: &Fields<'_>, path: &Path<'_>, errors: &mut Errors) -> Option<(Fingerprint, Option<Validity>)> {
    let found = match (fields.optional("sha256"), fields.optional("pem")) {
        (Some(sha256), None) => {
            let parsed = fingerprint::parse(sha256.text(SHA256, errors)?);
            return parsed
                .map(|fingerprint| (fingerprint, None))
                .map_err(|problem| errors.push(&sha256.path, problem.into()))
                .ok();
        }
        (None, Some(pem)) => {
            let parsed = from_pem(pem.text(PEM, errors)?);
            return parsed.map_err(|problem| errors.push(&pem.path, problem)).ok();
        }
        (None, None) => Found::Neither,
        (Some(_), Some(_)) => Found::Both,
    };
    errors.push(path, Problem::Value { expected: IDENTIFIER, found });
    None
}

fn from_pem(pem: &str) -> Result<(Fingerprint, Option<Validity>), Problem> {
    let certificates = pem.matches("-----BEGIN CERTIFICATE-----").count();
    if certificates > 1 {
        return Err(Problem::SeveralCertificates(certificates));
    }
    let der = certificate::der_from_text(pem.as_bytes())?;
    let validity = certificate::validity(&der)?;
    Ok((certificate::fingerprint(&der), Some(validity)))
}
