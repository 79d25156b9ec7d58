//! An item of `clients[].credentials`.

use super::distinguished_name;
use super::error::{Errors, Problem};
use super::fields::{Fields, Located, Names};
use super::fingerprint;
use super::found::Found;
use super::path::Path;
use crate::calendar;
use crate::certificate;
use crate::certificate::names::{DNS, NameParts, URI};
use crate::domain::client::ClientIndex;
use crate::domain::credential::{Credential, Identifier, Kind};
use crate::domain::fingerprint::LENGTH;
use crate::domain::name::Name;
use crate::domain::time::{UnixSeconds, Validity};

const FIELDS: &[&str] = &[
    "sha256",
    "pem",
    "spki_sha256",
    "uri_san",
    "dns_san",
    "subject",
    "issuer",
    "name",
    "primary",
    "serial",
    "not_before",
    "not_after",
    "revoked",
];

/// The fields of which a credential has one kind.
pub(super) const KINDS: [&str; 7] = ["sha256", "pem", "spki_sha256", "uri_san", "dns_san", "subject", "issuer"];

pub(super) const CREDENTIAL: &str = "a map with `sha256`, `pem`, `spki_sha256`, `uri_san`, `dns_san` or `subject`";
const IDENTIFIER: &str = "one of `sha256`, `pem`, `spki_sha256`, `uri_san`, `dns_san` and `subject`";
const SHA256: &str = "the certificate's SHA-256 as text";
const SPKI_SHA256: &str = "the public key's SHA-256 as text";
const PEM: &str = "a certificate as PEM text";
const ISSUER: &str = "`subject` beside it, or no `issuer`";
const MOMENT: &str = "a time in UTC such as 2026-11-24T12:00:00Z";
const LATER: &str = "a time after `not_before`";
const SERIAL: &str = "the certificate's serial number as text";

/// A credential as it was read.
pub(super) struct Item {
    pub(super) credential: Credential,
    /// The digest of the certificate, the key or the name.
    pub(super) digest: [u8; LENGTH],
    /// The validity period of the certificate, if the item has the certificate.
    pub(super) dates: Option<Validity>,
    /// `not_before` and `not_after` of the item.
    pub(super) window: Option<Validity>,
    /// The name or pattern, if the credential is one.
    pub(super) name: Option<NameParts>,
    /// The `name` of the item.
    pub(super) label: Option<Name>,
}

/// The values that must be unique among a client's credentials: name, primary.
pub(super) struct Siblings<'p> {
    names: Names<'p>,
    primary: Option<usize>,
    list: Path<'p>,
}

impl<'p> Siblings<'p> {
    /// No values, for the list at this path.
    pub(super) fn of(list: Path<'p>) -> Self {
        Self { names: Names::of(list), primary: None, list }
    }
}

/// The identifier of a credential, the validity period of its certificate, and its name or pattern.
pub(super) type Asked = (Identifier, Option<Validity>, Option<NameParts>);

/// The credential of the item at `position` in its client's list.
pub(super) fn read(
    value: Located<'_>,
    client: ClientIndex,
    position: usize,
    siblings: &mut Siblings<'_>,
    errors: &mut Errors,
) -> Option<Item> {
    let fields = value.fields(FIELDS, CREDENTIAL, errors)?;
    let asked = asked(&fields, &value.path, errors);
    let label = fields.optional("name").and_then(|name| name.unique_name(&mut siblings.names, position, errors));
    if let Some(serial) = fields.optional("serial") {
        serial.text(SERIAL, errors);
    }
    primary(&fields, position, siblings, errors);
    let revoked = fields.optional("revoked").map_or(Some(false), |revoked| revoked.boolean(errors));
    let window = window(&fields, errors);
    let ((identifier, dates, name), window, revoked) = (asked?, window?, revoked?);
    let credential = Credential { client, kind: identifier.kind, revoked, bounded: window.is_some() };
    Some(Item { credential, digest: identifier.digest, dates, window, name, label })
}

/// The identifier in these fields, which must have exactly one kind.
pub(super) fn asked(fields: &Fields<'_>, path: &Path<'_>, errors: &mut Errors) -> Option<Asked> {
    if let (Some(issuer), None) = (fields.optional("issuer"), fields.optional("subject")) {
        return issuer.wrong(ISSUER, errors);
    }
    let mut given =
        KINDS.iter().filter(|kind| **kind != "issuer").filter_map(|kind| Some((*kind, fields.optional(kind)?)));
    let (kind, value) = match (given.next(), given.next()) {
        (Some(one), None) => one,
        (first, _) => {
            let found = if first.is_none() { Found::NoneOfThem } else { Found::Several };
            errors.push(path, Problem::Value { expected: IDENTIFIER, found });
            return None;
        }
    };
    let digest = |kind, expected, errors: &mut Errors| {
        let digest = fingerprint::parse(value.text(expected, errors)?);
        let digest = digest.map_err(|problem| errors.push(&value.path, problem.into())).ok()?;
        Some((Identifier { kind, digest: *digest.as_bytes() }, None, None))
    };
    let name = |pattern: fn(&str) -> Option<NameParts>, expected, errors: &mut Errors| {
        let name = pattern(value.text(expected, errors)?).or_else(|| value.wrong(expected, errors))?;
        Some((name.identifier()?, None, Some(name)))
    };
    match kind {
        "sha256" => digest(Kind::Sha256, SHA256, errors),
        "spki_sha256" => digest(Kind::SpkiSha256, SPKI_SHA256, errors),
        "pem" => from_pem(value.text(PEM, errors)?).map_err(|problem| errors.push(&value.path, problem)).ok(),
        "uri_san" => name(NameParts::uri_pattern, URI, errors),
        "dns_san" => name(NameParts::dns_pattern, DNS, errors),
        _ => {
            let name = distinguished_name::read(value, fields, errors)?;
            Some((name.identifier()?, None, Some(name)))
        }
    }
}

fn from_pem(pem: &str) -> Result<Asked, Problem> {
    let certificates = pem.matches("-----BEGIN CERTIFICATE-----").count();
    if certificates > 1 {
        return Err(Problem::SeveralCertificates(certificates));
    }
    let der = certificate::der_from_text(pem.as_bytes())?;
    let validity = certificate::validity(&der)?;
    let digest = *certificate::fingerprint(&der).as_bytes();
    Ok((Identifier { kind: Kind::Sha256, digest }, Some(validity), None))
}

/// Reports a second primary credential of a client.
fn primary(fields: &Fields<'_>, position: usize, siblings: &mut Siblings<'_>, errors: &mut Errors) {
    let Some(primary) = fields.optional("primary") else { return };
    match (primary.boolean(errors), siblings.primary) {
        (Some(true), None) => siblings.primary = Some(position),
        (Some(true), Some(first)) => {
            let first = Path::Key(&Path::Item(&siblings.list, first), "primary").to_string();
            errors.push(&primary.path, Problem::Duplicate { what: "a primary credential", first });
        }
        _ => {}
    }
}

/// The period from `not_before` to `not_after`, both included as in a certificate.
fn window(fields: &Fields<'_>, errors: &mut Errors) -> Option<Option<Validity>> {
    let moment = |key, errors: &mut Errors| match fields.optional(key) {
        None => Some(None),
        Some(field) => {
            let moment = calendar::moment(field.text(MOMENT, errors)?);
            moment.map(Some).or_else(|| field.wrong(MOMENT, errors))
        }
    };
    let (not_before, not_after) = (moment("not_before", errors), moment("not_after", errors));
    let (not_before, not_after) = (not_before?, not_after?);
    if let (Some(from), Some(to), Some(field)) = (not_before, not_after, fields.optional("not_after"))
        && from > to
    {
        return field.wrong(LATER, errors);
    }
    let bounded = not_before.is_some() || not_after.is_some();
    let window = Validity {
        not_before: not_before.unwrap_or(UnixSeconds(i64::MIN)),
        not_after: not_after.unwrap_or(UnixSeconds(i64::MAX)),
    };
    Some(bounded.then_some(window))
}
