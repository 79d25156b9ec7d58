//! Warnings: values of a registry that are valid but perhaps not meant.

mod names;
mod policy;

pub(crate) use policy::counts_bytes;

use super::diagnostic::Diagnostic;
use super::diagnostic::code::Code;
use super::load::Loaded;
use super::load::document::Document;
use certgate_core::domain::time::UnixSeconds;

/// The warnings of this registry at this moment.
pub fn warnings(registry: &Loaded<'_>, now: UnixSeconds) -> Vec<Diagnostic> {
    let mut found = policy::warnings(registry, now);
    found.extend(unchecked_lists(&registry.document));
    found.extend(names::warnings(registry));
    found
}

/// Revocation lists without the certificate that tells whether their signature is right.
fn unchecked_lists<'d>(document: &'d Document<'_>) -> impl Iterator<Item = Diagnostic> + 'd {
    let lists = document.root().list("crls");
    let unchecked = lists.iter().enumerate().filter(|(_, list)| list.get("issuer_pem").is_none());
    unchecked.map(|(index, list)| {
        Diagnostic::warning(Code::CrlUnchecked, "the signature of this CRL is not checked")
            .mended_by("add `issuer_pem`, the certificate of its issuer")
            .at(format!("crls[{index}]"), Some(document.span(list)))
    })
}
