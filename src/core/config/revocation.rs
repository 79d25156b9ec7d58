//! `crls`: certificate revocation lists.

use super::error::{Errors, Problem};
use super::fields::Located;
use crate::certificate;
use crate::certificate::crl;
use crate::domain::revocation::RevocationList;

const LISTS: &str = "a list of CRLs";
const CRL: &str = "a map with `pem`";

/// The CRLs without errors.
pub(super) fn read(list: Located<'_>, errors: &mut Errors) -> Option<Vec<RevocationList>> {
    if !list.is_list(LISTS, errors) {
        return None;
    }
    Some(list.items().filter_map(|item| crl(item, errors)).collect())
}

fn crl(item: Located<'_>, errors: &mut Errors) -> Option<RevocationList> {
    let fields = item.fields(&["pem", "issuer_pem", "strict"], CRL, errors)?;
    let strict = fields.optional("strict").map_or(Some(false), |strict| strict.boolean(errors));
    if let Some(issuer) = fields.optional("issuer_pem")
        && let Some(text) = issuer.text("the issuer's certificate as PEM text", errors)
        && let Err(problem) = certificate::der_from_text(text.as_bytes()).and_then(|der| certificate::validity(&der))
    {
        errors.push(&issuer.path, problem.into());
    }
    let pem = fields.required("pem", "a CRL as PEM text", errors)?;
    let list = crl::parse(pem.text("a CRL as PEM text", errors)?);
    let list = list.map_err(|problem| errors.push(&pem.path, Problem::Crl(problem))).ok()?;
    Some(RevocationList { strict: strict?, ..list })
}
