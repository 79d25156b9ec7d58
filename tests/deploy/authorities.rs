//! `certgate render sds`: authorities that change while Envoy runs, and files that Envoy cannot use.

use super::rendered::{IN_ENVOY, documents, render};
use crate::support::bootstrap::Bootstrap;
use crate::support::command_line::Run;
use crate::support::envoy::Envoy;
use crate::support::pki::{Authority, Identity};
use crate::support::registry::{by_fingerprint, registry};
use crate::support::request::Request;
use crate::support::wait::until;
use crate::support::world::World;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// A folder with a PEM file of authorities, and the SDS file that names it.
struct Files(TempDir);

impl Files {
    /// With this text as the PEM file, or without the file.
    fn new(pem: Option<&str>) -> Self {
        let files = Self(TempDir::new().unwrap());
        let ca = files.path("ca.pem");
        pem.iter().for_each(|pem| files.rename_over("ca.pem", pem));
        files.rename_over("sds.yaml", &Run::successful(&["render", "sds", "--trusted-ca", ca.to_str().unwrap()], ""));
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn rename_over(&self, name: &str, text: &str) {
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path(name)).unwrap();
    }
}

/// A world with a client that has a quota of four requests, and a partner with an authority of its own.
struct Cast {
    world: World,
    theirs: Authority,
    client: Identity,
    partner: Identity,
}

impl Cast {
    fn new() -> Self {
        let (world, theirs) = (World::new(), Authority::new("the partner's authority"));
        let (client, partner) = (world.authority.client("client"), theirs.client("partner"));
        Self { world, theirs, client, partner }
    }

    fn pem(&self, authorities: &[&Authority]) -> String {
        authorities.iter().map(|authority| &*authority.identity().certificate_pem).collect()
    }

    fn bootstrap(&self, files: &Files) -> Bootstrap {
        let clients = [
            by_fingerprint("client", "few", &self.client.fingerprint()),
            by_fingerprint("partner", "many", &self.partner.fingerprint()),
        ];
        let few = json!([{"name": "few", "requests": 4, "per": "1d"}]);
        let registry: Value = registry(&[("few", few), ("many", json!([]))], &clients);
        let document = documents(&render(&IN_ENVOY, &registry.to_string())).remove(0);
        Bootstrap::in_world(&self.world, document).authorities_in(&files.path("sds.yaml"))
    }

    /// What the caller gets on a new connection; `None` if the handshake fails.
    async fn status(&self, envoy: &Envoy, identity: &Identity) -> Option<u16> {
        let answer = self.world.caller(identity).try_send(envoy.port(), &Request::get("/")).await;
        answer.ok().map(|response| response.status)
    }

    async fn wait(&self, what: &str, envoy: &Envoy, identity: &Identity, status: Option<u16>) {
        until(what, async || (self.status(envoy, identity).await == status).then_some(())).await;
    }
}

#[tokio::test]
async fn authorities_come_and_go_while_envoy_runs() {
    let cast = Cast::new();
    let (ours, theirs) = (&cast.world.authority, &cast.theirs);
    for version in ["1.36.4", "1.40.0"] {
        let files = Files::new(Some(&cast.pem(&[ours])));
        let envoy = Envoy::start(cast.bootstrap(&files).version(version)).await;
        let mut open = cast.world.caller(&cast.client).connect(envoy.port()).await;
        assert_eq!(open.get("/").await.status, 200);
        assert_eq!(cast.status(&envoy, &cast.client).await, Some(200));
        assert_eq!(cast.status(&envoy, &cast.partner).await, None);

        files.rename_over("ca.pem", &cast.pem(&[ours, theirs]));
        cast.wait("the partner's authority", &envoy, &cast.partner, Some(200)).await;
        assert_eq!(cast.status(&envoy, &cast.client).await, Some(200));
        assert_eq!(open.get("/").await.status, 200, "{version}: the fourth request");
        assert_eq!(open.get("/").await.status, 429, "{version}: what was spent before is spent");

        for (unusable, said) in [("-----BEGIN CERTIFICATE-----\nMIIB", "Failed to"), ("", "Failed to")] {
            let before = envoy.log().matches(said).count();
            files.rename_over("ca.pem", unusable);
            until("Envoy to refuse the file", async || (envoy.log().matches(said).count() > before).then_some(()))
                .await;
            assert_eq!(cast.status(&envoy, &cast.partner).await, Some(200), "{version}: the authorities before it");
            assert_eq!(cast.status(&envoy, &cast.client).await, Some(429), "{version}: the authorities before it");
        }

        files.rename_over("ca.pem", &cast.pem(&[theirs]));
        cast.wait("the first authority to go", &envoy, &cast.client, None).await;
        assert_eq!(cast.status(&envoy, &cast.partner).await, Some(200), "{version}");
        assert_eq!(open.get("/").await.status, 429, "{version}: an open connection goes on");
    }
}

#[tokio::test]
async fn half_an_sds_file_changes_nothing() {
    let cast = Cast::new();
    for version in ["1.36.4", "1.40.0"] {
        let files = Files::new(Some(&cast.pem(&[&cast.world.authority])));
        let envoy = Envoy::start(cast.bootstrap(&files).version(version)).await;
        let text = fs::read_to_string(files.path("sds.yaml")).unwrap();
        files.rename_over("sds.yaml", &text[..text.len() - 60]);
        let refused = async || envoy.log().contains("Filesystem config update").then_some(());
        until("Envoy to refuse the file", refused).await;
        assert_eq!(cast.status(&envoy, &cast.client).await, Some(200), "{version}");
        files.rename_over("ca.pem", &cast.pem(&[&cast.theirs]));
        cast.wait("the PEM file of the SDS file before it", &envoy, &cast.partner, Some(200)).await;
        assert_eq!(cast.status(&envoy, &cast.client).await, None, "{version}");
    }
}

/// Who trusts nobody lets nobody in.
#[tokio::test]
async fn without_authorities_no_handshake_succeeds() {
    let cast = Cast::new();
    for (pem, version) in [(None, "1.36.4"), (None, "1.40.0"), (Some("no certificate"), "1.40.0")] {
        let files = Files::new(pem);
        let envoy = Envoy::start(cast.bootstrap(&files).version(version)).await;
        assert_eq!(cast.status(&envoy, &cast.client).await, None, "{version}");
        let nobody = cast.world.anonymous();
        assert!(nobody.try_send(envoy.port(), &Request::get("/healthz")).await.is_err(), "{version}");
        // Envoy 1.36.4 aborts at this moment.
        if version != "1.36.4" {
            files.rename_over("ca.pem", &cast.pem(&[&cast.world.authority]));
            cast.wait("the authority", &envoy, &cast.client, Some(200)).await;
        }
    }
    let files = Files::new(None);
    fs::remove_file(files.path("sds.yaml")).unwrap();
    let log = Envoy::try_start(cast.bootstrap(&files)).await.err().unwrap();
    assert!(log.contains("sds.yaml' does not exist"), "{log}");
}
