//! The output of `certgate patch` in real Envoys: configurations as users write them, with certgate, and with certgate
//! skipped, so that the guard is alone.

use crate::support::bootstrap::Bootstrap;
use crate::support::client::Caller;
use crate::support::command_line::{Run, command_line};
use crate::support::envoy::Envoy;
use crate::support::envoys::{self, VERSIONS, repository};
use crate::support::module;
use crate::support::mutant::{Callback, Mutant};
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::wait::until;
use crate::support::world::World;
use hyper::Method;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// An Envoy configuration in `tests/fixtures/envoys/`.
struct Case {
    file: &'static str,
    listener: &'static str,
    /// The server names of the filter chains.
    hosts: &'static [&'static str],
    /// The option for the authorities, if the filter chains name none.
    authorities: &'static [&'static str],
    /// Whether a client needs a certificate to get as far as HTTP.
    requires_certificate: bool,
}

const GATEWAY: Case = Case {
    file: "gateway.yaml",
    listener: "https",
    hosts: &["api.example.com", "shop.example.com"],
    authorities: &["--trusted-ca-sds", "trusted-ca-sds.yaml"],
    requires_certificate: false,
};
const INGRESS: Case = Case { file: "ingress.yaml", hosts: &["localhost"], authorities: &[], ..GATEWAY };
const SIDECAR: Case = Case { file: "sidecar.yaml", listener: "inbound", requires_certificate: true, ..INGRESS };
const ROUTES: Case = Case {
    file: "routes.yaml",
    hosts: &["api.example.com", "localhost"],
    authorities: &["--trusted-ca", "ca.pem"],
    ..GATEWAY
};
const ANCHORS: Case =
    Case { file: "anchors.yaml", listener: "partners", hosts: &["api.example.com", "localhost"], ..GATEWAY };
const JSON: Case = Case { file: "edge.json", listener: "edge", hosts: &["localhost"], ..GATEWAY };

/// A world, who is known in it and who is not, and the folder in which Envoy finds its files.
struct Cast {
    world: World,
    folder: TempDir,
    client: Identity,
    bronze: Vec<Identity>,
    stranger: Identity,
}

impl Cast {
    fn new() -> Self {
        let world = World::new();
        let [client, stranger] = ["client", "stranger"].map(|name| world.authority.client(name));
        let bronze: Vec<Identity> = (0..2).map(|_| world.authority.client("bronze")).collect();
        let folder = TempDir::new().unwrap();
        let cast = Self { world, folder, client, bronze, stranger };
        fs::create_dir(cast.folder.path().join("certgate")).unwrap();
        cast.write("server.pem", &cast.world.server.certificate_pem);
        cast.write("server.key", &cast.world.server.key_pem);
        cast.write("ca.pem", &cast.world.authority.identity().certificate_pem);
        cast.write("trusted-ca-sds.yaml", &Run::successful(&["render", "sds", "--trusted-ca", &cast.at("ca.pem")], ""));
        let clients =
            [("client", "unlimited", &cast.client), ("a", "bronze", &cast.bronze[0]), ("b", "bronze", &cast.bronze[1])];
        let mut registry = registry::of(&clients);
        registry["rules"] = json!([{"match": {"path": "/public/**"}, "access": "public"}]);
        cast.write("registry.json", &registry.to_string());
        cast
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
    }

    /// The configuration of a case, in this world: its files, its upstreams and free ports.
    fn before(&self, case: &Case) -> String {
        let text = fs::read_to_string(repository().join("tests/fixtures/envoys").join(case.file)).unwrap();
        let mut text = text.replace("/etc/envoy/tls/", &self.at("")).replace(".internal", "");
        for (name, upstream, port) in [("default", &self.world.default, 9001), ("gold", &self.world.gold, 9002)] {
            let upstream = upstream.port();
            for key in ["port_value: ", "\"portValue\": "] {
                text = text.replace(&format!("{key}{port}"), &format!("{key}{upstream}"));
            }
            for address in ["address: ", "\"address\": \""] {
                text = text.replace(&format!("{address}{name}"), &format!("{address}127.0.0.1"));
            }
        }
        for port in [8080, 8443, 9901, 15001] {
            for key in ["port_value: ", "\"portValue\": "] {
                text = text.replace(&format!("{key}{port}"), &format!("{key}0"));
            }
        }
        text
    }

    /// Patches the configuration, and gives Envoy the registry with this module. The text of the patched file.
    fn patched(&self, case: &Case, module: &Path) -> String {
        self.write(case.file, &self.before(case));
        let run = self.patch(case);
        assert_eq!((run.code, &*run.out), (0, ""), "{}", run.err);
        let (registry, module) = (self.at("registry.json"), module.display().to_string());
        self.write(
            "certgate/registry-ecds.yaml",
            &Run::successful(&["render", "ecds", "--module", &module, &registry], ""),
        );
        fs::read_to_string(self.at(case.file)).unwrap()
    }

    /// `certgate patch` of the file of this case in place.
    fn patch(&self, case: &Case) -> Run {
        let file = self.at(case.file);
        let mut arguments =
            vec!["patch", &file, "--registry", "registry.json", "--listener", case.listener, "-o", &file];
        let authorities: Vec<String> = match case.authorities {
            [option, file] => vec![(*option).to_owned(), self.at(file)],
            _ => Vec::new(),
        };
        arguments.extend(authorities.iter().map(String::as_str));
        Run::of(command_line(), self.folder.path(), &arguments, "")
    }

    async fn envoy(&self, text: &str) -> Envoy {
        let document: Value = serde_saphyr::from_str(text).unwrap();
        Envoy::start(Bootstrap::of(document)).await
    }

    /// The port and the callers of each filter chain: the host, and a function from a certificate to a caller.
    fn caller(&self, host: &str, identity: Option<&Identity>) -> Caller {
        let caller = identity.map_or_else(|| self.world.anonymous(), |identity| self.world.caller(identity));
        caller.server_name(host)
    }

    /// Asserts what each caller gets from a patched Envoy.
    async fn assert_protected(&self, case: &Case) {
        let text = self.patched(case, &module::path());
        let envoy = self.envoy(&text).await;
        let port = envoy.port_of(case.listener);
        let told = |host: &str, who: &str| format!("{} at {host}: {who}", case.file);
        for (host, bronze) in case.hosts.iter().zip(&self.bronze) {
            let forged = Request::get("/").authority(host).header("x-client-alias", "admin");
            let forged = forged.header("x-forwarded-client-cert", "Hash=00;Subject=\"CN=admin\"");
            let response = self.caller(host, Some(&self.client)).send(port, &forged).await;
            let echo = response.echo();
            assert_eq!(echo.upstream, "default", "{}", told(host, "client"));
            assert_eq!(echo.headers.get("x-client-alias"), Some("client"), "{}", told(host, "client"));
            let xfcc = echo.headers.get("x-forwarded-client-cert").unwrap_or_default();
            assert!(!xfcc.contains("admin"), "{}: {xfcc}", told(host, "client"));
            let gold = self.caller(host, Some(&self.client)).send(port, &Request::get("/gold/x").authority(host)).await;
            assert_eq!(gold.echo().upstream, "gold", "{}", told(host, "another route"));
            let stranger = self.caller(host, Some(&self.stranger)).send(port, &forged).await;
            assert_eq!(stranger.status, 403, "{}", told(host, "stranger"));
            let kind = stranger.header("content-type");
            assert_eq!(kind, Some("application/problem+json"), "{}: {stranger:?}", told(host, "stranger"));
            for more in 0..4 {
                let response = self.caller(host, Some(bronze)).send(port, &Request::get("/").authority(host)).await;
                assert_eq!(response.status, if more < 3 { 200 } else { 429 }, "{}", told(host, "over its limit"));
            }
            self.assert_nobody(case, host, port, "with certgate").await;
        }
    }

    /// Asserts what callers without a certificate get, which certgate and the guard decide alike.
    async fn assert_nobody(&self, case: &Case, host: &str, port: u16, what: &str) {
        let caller = self.caller(host, None);
        let forged = |path: &str| Request::get(path).authority(host).header("x-client-alias", "admin");
        if case.requires_certificate {
            assert!(caller.try_send(port, &forged("/")).await.is_err(), "{} {what}", case.file);
            return;
        }
        assert_eq!(caller.send(port, &forged("/")).await.status, 403, "{} at {host} {what}", case.file);
        let public = caller.send(port, &forged("/public/x")).await;
        assert_eq!(public.echo().headers.get("x-client-alias"), None, "{} at {host} {what}", case.file);
    }

    /// Asserts that the guard alone lets through what is public, and nothing else.
    async fn assert_guarded(&self, case: &Case) {
        let trap = Mutant::new().traps_on_workers(Callback::Configure, 0).write();
        let envoy = self.envoy(&self.patched(case, &trap)).await;
        let port = envoy.port_of(case.listener);
        for host in case.hosts {
            let caller = self.caller(host, Some(&self.client));
            let forged = |path: &str| Request::get(path).authority(host).header("x-client-alias", "admin");
            assert_eq!(caller.send(port, &forged("/")).await.status, 403, "{} at {host}", case.file);
            let public = caller.send(port, &forged("/public/x")).await;
            assert_eq!(public.echo().headers.get("x-client-alias"), None, "{} at {host}", case.file);
            self.assert_nobody(case, host, port, "without certgate").await;
        }
    }
}

#[tokio::test]
async fn a_patched_gateway_decides_and_keeps_its_routes() {
    let cast = Cast::new();
    cast.assert_protected(&GATEWAY).await;
    let envoy = cast.envoy(&cast.patched(&GATEWAY, &module::path())).await;
    let health = Request::get("/healthz").authority("api.example.com");
    let client = cast.caller("api.example.com", Some(&cast.client));
    assert_eq!(client.send(envoy.port_of("https"), &health).await.text(), "ok\n");
    assert_eq!(Caller::plain().get(envoy.port_of("http"), "/").await.status, 301);
    cast.assert_guarded(&GATEWAY).await;
}

/// CORS answers before certgate, the user's own filters behind it.
#[tokio::test]
async fn a_patched_ingress_decides_and_keeps_its_filters() {
    let cast = Cast::new();
    cast.assert_protected(&INGRESS).await;
    let envoy = cast.envoy(&cast.patched(&INGRESS, &module::path())).await;
    let port = envoy.port_of("https");
    let preflight = Request::new(Method::OPTIONS, "/")
        .header("origin", "https://shop.example.com")
        .header("access-control-request-method", "POST");
    let response = cast.world.anonymous().send(port, &preflight).await;
    assert_eq!(response.header("access-control-allow-methods"), Some("GET, POST"), "{response:?}");
    for (path, status) in [("/reports", 401), ("/admin/x", 403)] {
        let response = cast.world.caller(&cast.client).get(port, path).await;
        assert_eq!(response.status, status, "{path}");
        assert!(!response.text().contains("certgate"), "{path}: {response:?}");
    }
    cast.assert_guarded(&INGRESS).await;
}

#[tokio::test]
async fn a_patched_sidecar_decides() {
    let cast = Cast::new();
    cast.assert_protected(&SIDECAR).await;
    cast.assert_guarded(&SIDECAR).await;
}

#[tokio::test]
async fn every_route_table_of_a_patched_listener_is_protected() {
    let cast = Cast::new();
    cast.assert_protected(&ROUTES).await;
    cast.assert_guarded(&ROUTES).await;
}

#[tokio::test]
async fn lists_behind_aliases_are_patched_once() {
    let cast = Cast::new();
    cast.assert_protected(&ANCHORS).await;
    cast.assert_guarded(&ANCHORS).await;
}

#[tokio::test]
async fn patched_json_decides() {
    let cast = Cast::new();
    cast.assert_protected(&JSON).await;
    cast.assert_guarded(&JSON).await;
}

#[test]
fn every_envoy_and_the_lint_accept_what_is_patched_and_a_second_patch_changes_nothing() {
    let cast = Cast::new();
    for case in [GATEWAY, INGRESS, SIDECAR, ROUTES, ANCHORS, JSON] {
        let text = cast.patched(&case, &module::path());
        for version in VERSIONS {
            let output = Command::new(envoys::version(version))
                .args(["--mode", "validate", "-c", &cast.at(case.file)])
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{version} refuses {}:\n{said}\n{text}", case.file);
        }
        let lint = Run::of(command_line(), Path::new("."), &["lint", &cast.at(case.file)], "");
        assert_eq!((lint.code, lint.out.lines().count()), (0, 1), "{}\n{text}", lint.out);
        let again = cast.patch(&case);
        assert_eq!(again.code, 0, "{}", again.err);
        assert!(again.err.contains("nothing has to change"), "{}", again.err);
        assert_eq!(fs::read_to_string(cast.at(case.file)).unwrap(), text, "{}", case.file);
    }
}

/// The notes tell the commands that make what Envoy needs beside its configuration.
#[tokio::test]
async fn the_commands_that_are_told_make_the_files() {
    let cast = Cast::new();
    cast.write(JSON.file, &cast.before(&JSON));
    fs::remove_dir(cast.at("certgate")).unwrap();
    fs::copy(module::path(), cast.at("certgate.wasm")).unwrap();
    let arguments = ["patch", JSON.file, "--registry", "registry.json", "--listener", JSON.listener, "-o", JSON.file];
    let run = Run::of(command_line(), cast.folder.path(), &arguments, "");
    assert_eq!(run.code, 0, "{}", run.err);
    let commands: Vec<&str> =
        run.err.lines().filter_map(|line| line.split_once(": mkdir ")).map(|(_, command)| command).collect();
    let [watch, sds] = commands[..] else { panic!("{}", run.err) };
    let path = command_line().parent().unwrap().display().to_string() + ":/usr/bin:/bin";
    let shell = |command: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("mkdir {command}")]).current_dir(cast.folder.path()).env("PATH", &path);
        shell
    };
    let made = shell(sds).output().unwrap();
    assert!(made.status.success(), "{sds}\n{}", String::from_utf8_lossy(&made.stderr));
    cast.write("certgate/trusted-ca.pem", &cast.world.authority.identity().certificate_pem);
    let mut watching = shell(&watch.replace("&& ", "&& exec ")).spawn().unwrap();
    until("the watched file", async || Path::new(&cast.at("certgate/registry-ecds.yaml")).is_file().then_some(()))
        .await;
    let envoy = cast.envoy(&fs::read_to_string(cast.at(JSON.file)).unwrap()).await;
    let response = cast.world.caller(&cast.client).get(envoy.port_of(JSON.listener), "/").await;
    assert_eq!(response.echo().headers.get("x-client-alias"), Some("client"));
    watching.kill().unwrap();
    watching.wait().unwrap();
}
