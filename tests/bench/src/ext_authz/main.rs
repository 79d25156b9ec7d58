//! The peer that Envoy asks over gRPC (`envoy.filters.http.ext_authz`): certgate's job in a service of its own, as lean as
//! it can be. The certificate's digest comes in the call's metadata.

mod bucket;
mod registry;

use anyhow::Result;
use certgate_core::domain::headers::{DEFAULT_ALIAS, DEFAULT_FINGERPRINT, DEFAULT_TIER, IdentityHeaders, OwnedHeaders};
use clap::Parser;
use envoy_types::ext_authz::v3::pb::{
    Authorization, AuthorizationServer, CheckRequest, CheckResponse, DeniedHttpResponse, HeaderAppendAction,
    HeaderValue, HeaderValueOption, HttpResponse, HttpStatus, HttpStatusCode, OkHttpResponse,
};
use envoy_types::pb::google::rpc;
use registry::{Client, Registry};
use std::path::PathBuf;
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status};

/// Where ext_authz.yaml puts the certificate's digest.
const CERTIFICATE: &str = "x-certificate";

/// Answers Envoy's ext_authz filter.
#[derive(Parser)]
struct Arguments {
    /// The port on 127.0.0.1.
    #[arg(long)]
    port: u16,
    /// The registry: clients by fingerprint.
    #[arg(long)]
    clients: PathBuf,
    /// What a client's bucket holds; it fills again in a year.
    #[arg(long, default_value_t = 1_000_000_000)]
    tokens: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let gate = Gate {
        registry: Registry::read(&arguments.clients, arguments.tokens)?,
        owned: OwnedHeaders::new(&IdentityHeaders::default()),
    };
    let server = Server::builder().add_service(AuthorizationServer::new(gate));
    Ok(server.serve(([127, 0, 0, 1], arguments.port).into()).await?)
}

struct Gate {
    registry: Registry,
    owned: OwnedHeaders,
}

#[tonic::async_trait]
impl Authorization for Gate {
    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let digest = request.metadata().get(CERTIFICATE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let answer = match self.registry.find(digest) {
            None => denied(HttpStatusCode::Forbidden),
            Some(client) if !client.take() => denied(HttpStatusCode::TooManyRequests),
            Some(client) => self.forward(digest, client, request.get_ref()),
        };
        Ok(Response::new(answer))
    }
}

impl Gate {
    fn forward(&self, digest: &str, client: &Client, request: &CheckRequest) -> CheckResponse {
        let http = request.attributes.as_ref().and_then(|attributes| attributes.request.as_ref()?.http.as_ref());
        let names = http.into_iter().flat_map(|http| http.headers.keys());
        let set = [(DEFAULT_ALIAS, &*client.alias), (DEFAULT_TIER, &client.tier), (DEFAULT_FINGERPRINT, digest)];
        let answer = OkHttpResponse {
            // What is set replaces what was there; Envoy would remove it again if it were in this list.
            headers_to_remove: names
                .filter(|name| self.owned.owns(name.as_bytes()) && !set.iter().any(|(own, _)| own == name))
                .cloned()
                .collect(),
            headers: set.map(|(name, value)| header(name, value)).to_vec(),
            ..OkHttpResponse::default()
        };
        response(Code::Ok, HttpResponse::OkResponse(answer))
    }
}

fn header(name: &str, value: &str) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue { key: name.to_owned(), value: value.to_owned(), ..HeaderValue::default() }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
        ..HeaderValueOption::default()
    }
}

fn denied(status: HttpStatusCode) -> CheckResponse {
    let status = Some(HttpStatus { code: status.into() });
    response(
        Code::PermissionDenied,
        HttpResponse::DeniedResponse(DeniedHttpResponse { status, ..DeniedHttpResponse::default() }),
    )
}

fn response(code: Code, answer: HttpResponse) -> CheckResponse {
    let status = Some(rpc::Status { code: code.into(), ..rpc::Status::default() });
    CheckResponse { status, http_response: Some(answer), ..CheckResponse::default() }
}
