//! The signatures of a registry's revocation lists. The module trusts the lists as it trusts the rest of its
//! configuration, so they are checked here.

use super::document::Document;
use super::tree::Node;
use crate::crl_signature::verify;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::code::Code;

/// An error for each list whose `issuer_pem` has not signed it.
pub(super) fn wrong(document: &Document<'_>) -> Vec<Diagnostic> {
    let lists = document.root().list("crls");
    let problem = |(index, list): (usize, &Node)| {
        let text = |key| list.get(key).and_then(Node::as_str);
        let problem = verify(text("pem")?, text("issuer_pem")?).err()?;
        let path = format!("crls[{index}]");
        Some(Diagnostic::error(Code::CrlSignature, problem.to_string()).at(path, Some(document.span(list))))
    };
    lists.iter().enumerate().filter_map(problem).collect()
}
