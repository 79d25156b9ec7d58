//! The options of `certgate render`: which there are, which go together, and what they must be.

use super::istio::{By, Placement};
use super::{envoy, envoy_gateway, istio};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to make
    #[arg(long, value_name = "TARGET")]
    pub(super) to: Target,
    /// The registry, in YAML or JSON; `-`: standard input
    #[arg(value_name = "REGISTRY")]
    pub(super) file: PathBuf,

    /// Where Envoy finds the module
    #[arg(long, value_name = "FILE", default_value = "target/certgate.wasm", help_heading = "envoy, ecds")]
    pub(super) module: String,
    /// The server's certificate
    #[arg(long, value_name = "FILE", default_value = "target/demo/server.pem", help_heading = "envoy")]
    certificate: String,
    /// Its key
    #[arg(long, value_name = "FILE", default_value = "target/demo/server.key", help_heading = "envoy")]
    key: String,
    /// Who signs the clients' certificates
    #[arg(long, value_name = "FILE", default_value = "target/demo/ca.pem", help_heading = "envoy")]
    pub(super) trusted_ca: String,
    /// Give Envoy the registry's revocation lists too, which it then checks in the handshake; each authority in
    /// --trusted-ca needs a current one
    #[arg(long, help_heading = "envoy")]
    pub(super) envoy_crl: bool,
    /// Leave the registry to this file, which `--to ecds` makes, and take up what is renamed over it
    #[arg(long, value_name = "FILE", help_heading = "envoy")]
    watch: Option<String>,

    /// The module's image, such as oci://registry.example/certgate:0.1.0
    #[arg(long, value_name = "IMAGE", help_heading = "istio, envoy-gateway")]
    image: Option<String>,
    /// The image's digest, 64 hexadecimal digits
    #[arg(long, value_name = "HEX", help_heading = "istio, envoy-gateway")]
    sha256: Option<String>,
    /// The name of what is made
    #[arg(long, default_value = "certgate", help_heading = "istio, envoy-gateway")]
    name: String,
    /// The namespace of what is made: the gateway's or the workload's
    #[arg(long, default_value = "default", help_heading = "istio, envoy-gateway")]
    namespace: String,

    /// Where certgate is to be
    #[arg(long, value_enum, default_value = "gateway", help_heading = "istio")]
    placement: Placement,
    /// The labels of the pods [default for a gateway: istio=ingressgateway]
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = label, help_heading = "istio")]
    selector: Vec<(String, String)>,
    /// What loads the filter
    #[arg(long, value_enum, default_value = "wasm-plugin", help_heading = "istio")]
    by: By,

    /// The Gateway's name
    #[arg(long, value_name = "NAME", help_heading = "envoy-gateway")]
    gateway: Option<String>,
    /// The ConfigMap with who signs the clients' certificates, in ca.crt
    #[arg(long, value_name = "NAME", default_value = "certgate-clients", help_heading = "envoy-gateway")]
    client_ca: String,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Target {
    /// A bootstrap for Envoy
    Envoy,
    /// The registry as a file that Envoy watches
    Ecds,
    /// Manifests for an Istio gateway or sidecars
    Istio,
    /// Manifests for a Gateway of Envoy Gateway
    EnvoyGateway,
}

impl Target {
    /// Whether what it loads are objects of Kubernetes.
    pub(super) fn is_in_kubernetes(self) -> bool {
        matches!(self, Self::Istio | Self::EnvoyGateway)
    }
}

impl Arguments {
    /// What is wrong with the options.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut need = |needed: bool, what: &str| {
            problems.extend(needed.then(|| format!("this target needs {what}")));
        };
        let in_kubernetes = self.to.is_in_kubernetes();
        need(in_kubernetes && self.image.is_none(), "--image, the module's image");
        need(in_kubernetes && self.sha256.is_none(), "--sha256, the digest of the module's image");
        need(self.to == Target::EnvoyGateway && self.gateway.is_none(), "--gateway, the Gateway's name");
        let unselected = self.to == Target::Istio && self.placement == Placement::Sidecar && self.selector.is_empty();
        need(unselected, "--selector with --placement sidecar: the labels of the workload");
        if self.envoy_crl && self.to != Target::Envoy {
            problems.push(
                "--envoy-crl: expected `--to envoy` with it: no other target has a validation context".to_owned(),
            );
        }
        if let Some(sha256) = self.sha256.as_deref().filter(|_| !self.digest().is_some_and(is_digest)) {
            problems.push(format!("--sha256: expected 64 hexadecimal digits in lower case, found {sha256:?}"));
        }
        let named = [("--name", Some(&self.name)), ("--namespace", Some(&self.namespace))];
        let named =
            named.into_iter().chain([("--gateway", self.gateway.as_ref()), ("--client-ca", Some(&self.client_ca))]);
        for (option, name) in named {
            if let Some(name) = name.filter(|name| !is_name(name)) {
                problems.push(format!("{option}: expected a name of a-z, 0-9, `-` and `.`, found {name:?}"));
            }
        }
        problems
    }

    pub(super) fn paths(&self) -> envoy::Paths<'_> {
        envoy::Paths {
            module: &self.module,
            certificate: &self.certificate,
            key: &self.key,
            trusted_ca: &self.trusted_ca,
            watch: self.watch.as_deref(),
        }
    }

    pub(super) fn istio(&self) -> istio::Place<'_> {
        let ingress = || vec![("istio".to_owned(), "ingressgateway".to_owned())];
        istio::Place {
            name: &self.name,
            namespace: &self.namespace,
            labels: if self.selector.is_empty() { ingress() } else { self.selector.clone() },
            placement: self.placement,
            by: self.by,
            image: self.image.as_deref().unwrap_or_default(),
            sha256: self.digest().unwrap_or_default(),
        }
    }

    /// The image's digest, which registries write with a prefix.
    fn digest(&self) -> Option<&str> {
        self.sha256.as_deref().map(|digest| digest.strip_prefix("sha256:").unwrap_or(digest))
    }

    pub(super) fn envoy_gateway(&self) -> envoy_gateway::Place<'_> {
        envoy_gateway::Place {
            name: &self.name,
            namespace: &self.namespace,
            gateway: self.gateway.as_deref().unwrap_or_default(),
            ca: &self.client_ca,
            image: self.image.as_deref().unwrap_or_default(),
            sha256: self.digest().unwrap_or_default(),
        }
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected a label such as app=cart")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A name of an object of Kubernetes (RFC 1123), without its finer points, which Kubernetes will tell.
fn is_name(text: &str) -> bool {
    (1..=253).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
}
