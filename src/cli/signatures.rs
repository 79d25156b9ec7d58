//! Whether revocation lists are really their issuers'. The module trusts them as it trusts the rest of its configuration.

use certgate_core::certificate::crl::signature;
use serde_json::Value;

/// What is to be said of the lists in a configuration, which is right but for their signatures: warnings, and what is
/// wrong after all.
pub(super) fn signatures(document: &Value) -> Vec<Result<String, String>> {
    let lists = document.get("crls").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let problem = |(place, list): (usize, &Value)| {
        let text = |key| list.get(key).and_then(Value::as_str);
        match (text("pem")?, text("issuer_pem")) {
            (_, None) => Some(Ok(format!("crls[{place}]: without issuer_pem, nobody has checked its signature"))),
            (pem, Some(issuer)) => {
                let problem = signature::verify(pem, issuer).err()?;
                Some(Err(format!("crls[{place}]: {problem}")))
            }
        }
    };
    lists.iter().enumerate().filter_map(problem).collect()
}
