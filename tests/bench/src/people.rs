//! Who calls: certificates made anew for each run, and the lists that the peers look them up in.

use crate::places::{made, write};
use crate::support::pki::{Authority, Identity, Leaf};
use anyhow::Result;
use serde_json::json;

/// Clients besides `partner-a` in the contention part.
const MANY: usize = 64;

/// Everybody who calls, and who vouches for them.
pub(crate) struct People {
    /// Signs all certificates.
    pub(crate) authority: Authority,
    /// In every registry.
    pub(crate) partner: Identity,
    /// In none.
    pub(crate) stranger: Identity,
    /// In the registry of the contention part.
    pub(crate) many: Vec<Identity>,
}

impl People {
    /// Makes their certificates, and leaves them where the configurations look for them.
    pub(crate) fn make() -> Result<Self> {
        let authority = Authority::new("certgate bench CA");
        let server = authority.issue(&Leaf::server(&["localhost"]));
        // Envoy's RBAC knows clients by such a name.
        let client = |name: &str| authority.issue(&Leaf::client(name).uri(&format!("spiffe://bench/{name}")));
        let (partner, stranger) = (client("partner-a"), client("stranger"));
        let many = (0..MANY).map(|number| client(&alias(number))).collect();
        write(&made("ca.pem"), &authority.identity().certificate_pem)?;
        for (name, identity) in [("server", &server), ("partner-a", &partner), ("stranger", &stranger)] {
            write(&made(&format!("{name}.pem")), &identity.certificate_pem)?;
            write(&made(&format!("{name}.key")), &identity.key_pem)?;
        }
        let digest = partner.fingerprint();
        let lua = format!("return {{[\"{digest}\"] = {{alias = \"partner-a\", tier = \"gold\"}}}}\n");
        write(&made("clients.lua"), &lua)?;
        let json = json!({digest: {"alias": "partner-a", "tier": "gold"}});
        write(&made("clients.json"), &json.to_string())?;
        Ok(Self { authority, partner, stranger, many })
    }
}

/// The alias of one of the many.
pub(crate) fn alias(number: usize) -> String {
    format!("client-{number}")
}
