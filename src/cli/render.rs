//! `certgate render`: a subcommand for each platform, with the options that the platform has.

use crate::time::now;
use crate::{Outcome, Output, check, input};
use certgate_manage::render::envoy::{EnvoyOptions, Filter, TrustedCa};
use certgate_manage::render::envoy_gateway::EnvoyGatewayOptions;
use certgate_manage::render::istio::{IstioOptions, Loader, Placement, Proxies};
use certgate_manage::render::{self, Rendered};
use certgate_manage::{Code, Diagnostic, Loaded};
use clap::builder::NonEmptyStringValueParser;
use std::io;
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Print a bootstrap for Envoy
    Envoy(Envoy),
    /// Print the registry as a file that Envoy watches, for `render envoy --watch`
    Ecds(Ecds),
    /// Print the authorities of clients as a file that Envoy watches, for `render envoy --trusted-ca-sds`
    Sds(Sds),
    /// Print manifests for an Istio gateway, or for the sidecars of a workload
    Istio(Istio),
    /// Print manifests for a Gateway of Envoy Gateway
    EnvoyGateway(EnvoyGateway),
}

#[derive(clap::Args)]
pub(crate) struct Envoy {
    #[command(flatten)]
    registry: RegistryFile,
    /// The path of the module, as Envoy finds it
    #[arg(long, value_name = "FILE", required_unless_present = "watch", value_parser = NonEmptyStringValueParser::new())]
    module: Option<String>,
    /// Leave the registry and the module's path to this file, which `render ecds` makes and Envoy watches
    #[arg(long, value_name = "FILE", conflicts_with = "module", value_parser = NonEmptyStringValueParser::new())]
    watch: Option<String>,
    /// The path of the server's certificate
    #[arg(long, value_name = "FILE", value_parser = NonEmptyStringValueParser::new())]
    certificate: String,
    /// The path of the key of the server's certificate
    #[arg(long, value_name = "FILE", value_parser = NonEmptyStringValueParser::new())]
    key: String,
    #[command(flatten)]
    trusted_ca: TrustedCaFile,
    /// Have Envoy check the registry's CRLs in the handshake too; each authority in --trusted-ca needs a current CRL
    #[arg(long, conflicts_with = "trusted_ca_sds")]
    envoy_crl: bool,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct TrustedCaFile {
    /// The path of the certificates of the authorities that sign clients' certificates, which Envoy reads when it starts
    #[arg(long, value_name = "FILE", value_parser = NonEmptyStringValueParser::new())]
    trusted_ca: Option<String>,
    /// Leave the authorities to this file, which `render sds` makes and Envoy watches
    #[arg(long, value_name = "FILE", value_parser = NonEmptyStringValueParser::new())]
    trusted_ca_sds: Option<String>,
}

#[derive(clap::Args)]
pub(crate) struct Sds {
    /// The path of the certificates of the authorities that sign clients' certificates, as Envoy finds it
    #[arg(long, value_name = "FILE", value_parser = NonEmptyStringValueParser::new())]
    trusted_ca: String,
    /// Have Envoy check this registry's CRLs in the handshake too; each authority in --trusted-ca needs a current CRL
    #[arg(long, value_name = "REGISTRY")]
    envoy_crl: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct Ecds {
    #[command(flatten)]
    registry: RegistryFile,
    /// The path of the module, as Envoy finds it
    #[arg(long, value_name = "FILE", value_parser = NonEmptyStringValueParser::new())]
    module: String,
}

#[derive(clap::Args)]
pub(crate) struct Istio {
    #[command(flatten)]
    registry: RegistryFile,
    #[command(flatten)]
    objects: Objects,
    /// The proxies that certgate is for
    #[arg(long, value_enum, default_value = "gateway")]
    placement: PlacementValue,
    /// The labels of their pods [default for a gateway: istio=ingressgateway]
    #[arg(
        long,
        value_name = "KEY=VALUE",
        value_delimiter = ',',
        value_parser = label,
        required_if_eq("placement", "sidecar")
    )]
    selector: Vec<(String, String)>,
    /// The Gateway of the Gateway API that certgate is for, in place of labels
    #[arg(long, value_name = "gateway.networking.k8s.io/Gateway/NAME", value_parser = gateway, conflicts_with = "selector")]
    target_ref: Option<String>,
    /// The Gateway's credential, whose name and `-cacert` is that of the Secret of authorities [default: api-credential]
    #[arg(long, value_name = "NAME", value_parser = name)]
    credential: Option<String>,
    /// The object that loads the filter
    #[arg(long, value_enum, default_value = "wasm-plugin")]
    by: LoaderValue,
}

#[derive(clap::Args)]
pub(crate) struct EnvoyGateway {
    #[command(flatten)]
    registry: RegistryFile,
    #[command(flatten)]
    objects: Objects,
    /// The Gateway's name
    #[arg(long, value_parser = name)]
    gateway: String,
    /// The ConfigMap with the certificates of the authorities that sign clients' certificates, in ca.crt
    #[arg(long, value_name = "NAME", default_value = "certgate-clients", value_parser = name)]
    client_ca: String,
}

#[derive(clap::Args)]
struct RegistryFile {
    /// The registry, in YAML or JSON; `-`: standard input
    #[arg(value_name = "REGISTRY")]
    file: PathBuf,
}

#[derive(clap::Args)]
struct Objects {
    /// The module's image, such as oci://registry.example/certgate:0.1.0
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    image: String,
    /// The image's digest, 64 hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = digest)]
    sha256: String,
    /// The name of the objects
    #[arg(long, default_value = "certgate", value_parser = name)]
    name: String,
    /// The namespace of the objects: the gateway's or the workload's, since they select nothing in another one
    #[arg(long, value_parser = name)]
    namespace: String,
    /// The Secret with the credentials that pull the image, in the namespace of the objects
    #[arg(long, value_name = "NAME", value_parser = name)]
    pull_secret: Option<String>,
    /// A file with the certificates of the authorities that sign clients' certificates, to be put into an object
    #[arg(long, value_name = "FILE", value_parser = NonEmptyStringValueParser::new())]
    trusted_ca: Option<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum PlacementValue {
    /// The proxies of a gateway
    Gateway,
    /// The sidecars of a workload, for requests to it
    Sidecar,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum LoaderValue {
    /// A WasmPlugin
    WasmPlugin,
    /// An EnvoyFilter, with a vm_id of its own
    EnvoyFilter,
}

/// Prints what the platform loads, or what is wrong with the registry.
pub(crate) fn run(command: &Command, output: &mut Output<'_>) -> io::Result<Outcome> {
    if let Command::Istio(options) = command
        && let Some(conflict) = options.conflict()
    {
        writeln!(output.err, "error: {conflict}")?;
        return Ok(Outcome::Failed);
    }
    let file = match command {
        Command::Envoy(Envoy { registry, .. })
        | Command::Ecds(Ecds { registry, .. })
        | Command::Istio(Istio { registry, .. })
        | Command::EnvoyGateway(EnvoyGateway { registry, .. }) => &registry.file,
        Command::Sds(Sds { envoy_crl: Some(file), .. }) => file,
        Command::Sds(Sds { trusted_ca, envoy_crl: None }) => {
            return print(Path::new(trusted_ca), render::sds(trusted_ca), output);
        }
    };
    input::each(std::slice::from_ref(file), output, |file, bytes, output| {
        let Some(loaded) = check::loaded(file, bytes, output)? else { return Ok(Outcome::Bad) };
        print(file, rendered(command, &loaded), output)
    })
}

fn print(file: &Path, made: Result<Rendered, Vec<Diagnostic>>, output: &mut Output<'_>) -> io::Result<Outcome> {
    match made {
        Ok(Rendered { text, warnings }) => {
            input::print(file, &warnings, output)?;
            write!(output.out, "{text}")?;
            Ok(Outcome::Good)
        }
        Err(errors) => {
            input::print(file, &errors, output)?;
            Ok(Outcome::Bad)
        }
    }
}

fn rendered(command: &Command, registry: &Loaded<'_>) -> Result<Rendered, Vec<Diagnostic>> {
    match command {
        Command::Envoy(options) => options.rendered(registry),
        Command::Ecds(Ecds { module, .. }) => render::ecds(registry, module),
        Command::Sds(Sds { trusted_ca, .. }) => {
            let pem = authorities(trusted_ca).map_err(|error| vec![error])?;
            render::sds_with_crl(registry, trusted_ca, &pem, now())
        }
        Command::Istio(options) => options.rendered(registry),
        Command::EnvoyGateway(EnvoyGateway { objects, gateway, client_ca, .. }) => {
            let content = objects.authorities()?;
            let options = EnvoyGatewayOptions {
                name: &objects.name,
                namespace: &objects.namespace,
                gateway,
                client_ca,
                trusted_ca: objects.trusted_ca.as_deref().zip(content.as_deref()),
                image: &objects.image,
                sha256: &objects.sha256,
                pull_secret: objects.pull_secret.as_deref(),
            };
            render::envoy_gateway(registry, &options)
        }
    }
}

impl Envoy {
    fn rendered(&self, registry: &Loaded<'_>) -> Result<Rendered, Vec<Diagnostic>> {
        let filter = match (&self.watch, &self.module) {
            (Some(file), _) => Filter::Watched { file },
            (None, module) => Filter::Inline { module: module.as_deref().unwrap_or_default() },
        };
        let pem = match &self.trusted_ca.trusted_ca {
            Some(file) if self.envoy_crl => Some(authorities(file).map_err(|error| vec![error])?),
            _ => None,
        };
        let trusted_ca = match &self.trusted_ca {
            TrustedCaFile { trusted_ca_sds: Some(file), .. } => TrustedCa::Watched { file },
            TrustedCaFile { trusted_ca, .. } => {
                TrustedCa::Pem { file: trusted_ca.as_deref().unwrap_or_default(), envoy_crl: pem.as_deref() }
            }
        };
        let options = EnvoyOptions { filter, certificate: &self.certificate, key: &self.key, trusted_ca };
        render::envoy(registry, &options, now())
    }
}

/// The content of the file of `--trusted-ca`.
fn authorities(file: &str) -> Result<Vec<u8>, Diagnostic> {
    input::read(Path::new(file))
        .map_err(|error| Diagnostic::error(Code::TrustedCa, format!("--trusted-ca {file}: {}", error.message)))
}

impl Objects {
    /// The content of the file of `--trusted-ca`.
    fn authorities(&self) -> Result<Option<Vec<u8>>, Vec<Diagnostic>> {
        self.trusted_ca.as_deref().map(authorities).transpose().map_err(|error| vec![error])
    }
}

impl Istio {
    /// The reason why options do not go together, where the parser does not know it.
    fn conflict(&self) -> Option<&'static str> {
        let is_sidecar = matches!(self.placement, PlacementValue::Sidecar);
        if is_sidecar && (self.objects.trusted_ca.is_some() || self.credential.is_some()) {
            return Some("--trusted-ca and --credential are for a gateway: the mesh has the authorities of sidecars");
        }
        if matches!(self.by, LoaderValue::EnvoyFilter) && self.objects.pull_secret.is_some() {
            return Some("--pull-secret needs a WasmPlugin: Istio hands no credentials to an EnvoyFilter's image");
        }
        None
    }

    fn rendered(&self, registry: &Loaded<'_>) -> Result<Rendered, Vec<Diagnostic>> {
        let content = self.objects.authorities()?;
        let ingress = [("istio".to_owned(), "ingressgateway".to_owned())];
        let options = IstioOptions {
            name: &self.objects.name,
            namespace: &self.objects.namespace,
            proxies: match &self.target_ref {
                Some(gateway) => Proxies::Gateway(gateway),
                None if self.selector.is_empty() => Proxies::Labels(&ingress),
                None => Proxies::Labels(&self.selector),
            },
            placement: match self.placement {
                PlacementValue::Gateway => Placement::Gateway,
                PlacementValue::Sidecar => Placement::Sidecar,
            },
            loader: match self.by {
                LoaderValue::WasmPlugin => Loader::WasmPlugin,
                LoaderValue::EnvoyFilter => Loader::EnvoyFilter,
            },
            image: &self.objects.image,
            sha256: &self.objects.sha256,
            pull_secret: self.objects.pull_secret.as_deref(),
            credential: self.credential.as_deref().unwrap_or("api-credential"),
            trusted_ca: self.objects.trusted_ca.as_deref().zip(content.as_deref()),
        };
        render::istio(registry, &options)
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let label = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) = label.ok_or("expected a label such as app=cart")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// The name of a Gateway of the Gateway API.
fn gateway(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('/').collect();
    match *parts {
        ["gateway.networking.k8s.io", "Gateway", gateway] => name(gateway),
        [.., "Service" | "GatewayClass" | "ServiceEntry", _] => Err("expected a Gateway: its waypoints would serve \
            this, and a waypoint shows certgate no client certificate"
            .to_owned()),
        _ => Err("expected gateway.networking.k8s.io/Gateway/NAME".to_owned()),
    }
}

/// An image's digest, which registries write with a prefix.
fn digest(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let is_digest = digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_digest { Ok(digits.to_owned()) } else { Err("expected 64 hexadecimal digits in lower case".to_owned()) }
}

/// A name of an object of Kubernetes (RFC 1123), without its finer points, which Kubernetes will tell.
fn name(text: &str) -> Result<String, String> {
    let is_name = (1..=253).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
    if is_name { Ok(text.to_owned()) } else { Err("expected a name of a-z, 0-9, `-` and `.`".to_owned()) }
}
