//! Plain Envoy: a bootstrap, and the file with the registry that Envoy watches. What they say is in the templates; a test
//! holds the files in `envoy/` to what is made here.

use super::envoy_crl::EnvoyCrl;
use super::guard::Guard;
use super::rbac::rbac;
use super::template::{TemplateError, filled, yaml};
use crate::load::tree::Node;
use certgate_core::domain::headers::{DEFAULT_ALIAS, DEFAULT_TIER};
use certgate_core::domain::identity::Source;
use certgate_core::domain::policy::Policy;
use std::path::Path;

const BOOTSTRAP: &str = include_str!("templates/envoy.yaml");
const WATCHED: &str = include_str!("templates/registry-ecds.yaml");

/// The values of a bootstrap that the registry does not have.
pub struct EnvoyOptions<'a> {
    /// The filter's configuration.
    pub filter: Filter<'a>,
    /// The path of the server's certificate.
    pub certificate: &'a str,
    /// The path of the key of the server's certificate.
    pub key: &'a str,
    /// The path of the certificates of the authorities that sign clients' certificates.
    pub trusted_ca: &'a str,
    /// The content of that file, if Envoy is to be given the registry's revocation lists too.
    pub envoy_crl: Option<&'a [u8]>,
}

/// The place in which Envoy finds the filter's configuration.
pub enum Filter<'a> {
    /// In the bootstrap.
    Inline {
        /// The path of the module.
        module: &'a str,
    },
    /// In a file that Envoy watches (ECDS).
    Watched {
        /// The path of the file.
        file: &'a str,
    },
}

/// A bootstrap.
pub(super) fn bootstrap(
    registry: &Node,
    guard: &Guard<'_>,
    policy: &Policy,
    options: &EnvoyOptions<'_>,
    crl: Option<&EnvoyCrl>,
) -> Result<String, TemplateError> {
    let (module, file) = match options.filter {
        Filter::Inline { module } => (module, None),
        Filter::Watched { file } => ("", Some(file)),
    };
    let folder = file.and_then(|file| Path::new(file).parent()?.to_str()).filter(|folder| !folder.is_empty());
    let registry = if file.is_none() { yaml(registry)? } else { String::new() };
    let rbac = rbac(guard).as_ref().map(yaml).transpose()?;
    let trusts_relays = matches!(policy.identity.source, Source::Xfcc(_));
    filled(
        BOOTSTRAP,
        &[
            ("certificate", options.certificate.into()),
            ("key", options.key.into()),
            ("trusted_ca", options.trusted_ca.into()),
            ("crl", crl.map(|crl| crl.pem.as_str()).into()),
            ("trusts_relays", trusts_relays.into()),
            ("alias", policy.headers.alias.as_deref().unwrap_or(DEFAULT_ALIAS).into()),
            ("tier", policy.headers.tier.as_deref().unwrap_or(DEFAULT_TIER).into()),
            ("removed", guard.removed.clone().into()),
            ("look_alikes", guard.look_alikes.clone().into()),
            ("file", file.into()),
            ("folder", folder.unwrap_or(".").into()),
            ("module", module.into()),
            ("registry", registry.into()),
            ("rbac", rbac.into()),
            ("shadow", guard.shadow.into()),
        ],
    )
}

/// The watched file, for the module at this path.
pub(super) fn watched(registry: &Node, module: &str) -> Result<String, TemplateError> {
    filled(WATCHED, &[("registry", yaml(registry)?.into()), ("module", module.into())])
}
