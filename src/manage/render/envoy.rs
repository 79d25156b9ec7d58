//! Plain Envoy: a bootstrap, and the files that Envoy watches, with the registry and with the authorities of clients. The
//! templates have their text; a test holds the files in `envoy/` to it.

use super::envoy_crl::EnvoyCrl;
use super::guard::Guard;
use super::rbac::rbac;
use super::stats_tags::stats_tags;
use super::template::{TemplateError, filled, yaml};
use crate::load::tree::Node;
use certgate_core::domain::headers::{DEFAULT_ALIAS, DEFAULT_TIER};
use certgate_core::domain::identity::Source;
use certgate_core::domain::policy::Policy;
use std::path::Path;

const BOOTSTRAP: &str = include_str!("templates/envoy.yaml");
const AUTHORITIES: &str = include_str!("templates/trusted-ca-sds.yaml");
const WATCHED: &str = include_str!("templates/registry-ecds.yaml");

/// The values of a bootstrap that the registry does not have.
pub struct EnvoyOptions<'a> {
    /// The filter's configuration.
    pub filter: Filter<'a>,
    /// The path of the server's certificate.
    pub certificate: &'a str,
    /// The path of the key of the server's certificate.
    pub key: &'a str,
    /// The authorities that sign clients' certificates.
    pub trusted_ca: TrustedCa<'a>,
}

/// The place in which Envoy finds the authorities that sign clients' certificates.
#[derive(Clone, Copy)]
pub enum TrustedCa<'a> {
    /// In a PEM file that Envoy reads when it starts.
    Pem {
        /// The path of the file.
        file: &'a str,
        /// The content of the file, if Envoy is to be given the registry's revocation lists too.
        envoy_crl: Option<&'a [u8]>,
    },
    /// In a file that Envoy watches (SDS).
    Watched {
        /// The path of the file.
        file: &'a str,
    },
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
    let (trusted_ca, sds_file) = match options.trusted_ca {
        TrustedCa::Pem { file, .. } => (file, None),
        TrustedCa::Watched { file } => ("", Some(file)),
    };
    let registry = if file.is_none() { yaml(registry)? } else { String::new() };
    let rbac = rbac(guard).as_ref().map(yaml).transpose()?;
    let trusts_relays = matches!(policy.identity.source, Source::Xfcc(_));
    filled(
        BOOTSTRAP,
        &[
            ("stats_tags", stats_tags().into()),
            ("certificate", options.certificate.into()),
            ("key", options.key.into()),
            ("sds_file", sds_file.into()),
            ("sds_folder", folder(sds_file.unwrap_or_default()).into()),
            ("trusted_ca", trusted_ca.into()),
            ("crl", crl.map(|crl| crl.pem.as_str()).into()),
            ("trusts_relays", trusts_relays.into()),
            ("alias", policy.headers.alias.as_deref().unwrap_or(DEFAULT_ALIAS).into()),
            ("tier", policy.headers.tier.as_deref().unwrap_or(DEFAULT_TIER).into()),
            ("removed", guard.removed.clone().into()),
            ("look_alikes", guard.look_alikes.clone().into()),
            ("file", file.into()),
            ("folder", folder(file.unwrap_or_default()).into()),
            ("module", module.into()),
            ("registry", registry.into()),
            ("rbac", rbac.into()),
            ("shadow", guard.shadow.into()),
        ],
    )
}

/// The watched file with the authorities in the PEM file at this path, and with these revocation lists.
pub(super) fn authorities(trusted_ca: &str, crl: Option<&EnvoyCrl>) -> Result<String, TemplateError> {
    let crl = crl.map(|crl| crl.pem.as_str());
    let values = [("trusted_ca", trusted_ca.into()), ("folder", folder(trusted_ca).into()), ("crl", crl.into())];
    filled(AUTHORITIES, &values)
}

/// The folder of a file, which Envoy watches for files that are renamed into it.
fn folder(file: &str) -> &str {
    Path::new(file).parent().and_then(Path::to_str).filter(|folder| !folder.is_empty()).unwrap_or(".")
}

/// The watched file with the registry, for the module at this path.
pub(super) fn watched(registry: &Node, module: &str) -> Result<String, TemplateError> {
    filled(WATCHED, &[("registry", yaml(registry)?.into()), ("module", module.into())])
}
