//! `envoy/compose.yaml`, started as a user starts it, and the module's OCI image.
#![allow(clippy::print_stderr, reason = "what it is at, since it takes long")]

mod command;
mod files;
mod http;
mod images;
mod oci_image;
mod project;

use crate::support::parts::Part;
use crate::support::wait::until;
use command::run;
use http::{call, get, query};
use project::Project;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

/// All services but Grafana, of which there is no image here.
const SERVICES: [&str; 4] = ["registry", "envoy", "upstream", "prometheus"];

#[tokio::test]
async fn it_runs_as_the_readme_says() {
    if !Part::Docker.runs() {
        return;
    }
    let project = Project::new();
    up(&project).await;
    callers(&project);
    a_client_is_added_while_it_runs(&project).await;
    a_registry_that_is_refused_changes_nothing(&project).await;
    prometheus_has_the_figures(&project).await;
    nobody_has_more_than_they_need(&project);
    it_may_be_started_again(&project);
    everything_is_healthy(&project).await;
}

async fn up(project: &Project) {
    eprintln!("docker-compose up");
    let mut arguments = vec!["up", "--detach"];
    arguments.extend(SERVICES);
    project.compose(&arguments);
    assert_eq!(project.inspect("certificates")["State"]["ExitCode"], 0);
    copy_clients(project);
    until("Envoy to answer", async || {
        let answer = call(project, None, "/healthz", &[]);
        (answer.status != 0).then_some(())
    })
    .await;
}

/// Of those that are there already, the new ones take the place.
fn copy_clients(project: &Project) {
    project.copy_out("certificates", "/clients/.", "clients");
}

fn fingerprint(project: &Project, who: &str) -> String {
    let file = format!("{who}.pem");
    let said = run(&project.path("clients"), "openssl", ["x509", "-in", &file, "-noout", "-fingerprint", "-sha256"]);
    said.split_once('=').expect("a fingerprint").1.replace(':', "").to_lowercase()
}

fn callers(project: &Project) {
    eprintln!("calling it");
    let forged = ["-H", "x-client-alias: admin", "-H", "X-Client-Tier: gold", "-H", "x-forwarded-client-cert: Hash=00"];
    for (who, tier, upstream) in [("partner-a", "gold", "gold"), ("partner-b", "bronze", "default")] {
        let echo = call(project, Some(who), "/hello?x=1", &forged).echo();
        assert_eq!(echo["upstream"], upstream);
        assert_eq!(echo["path"], "/hello?x=1");
        let headers = &echo["headers"];
        assert_eq!(headers["x-client-alias"], who);
        assert_eq!(headers["x-client-tier"], tier);
        assert_eq!(headers["x-client-fingerprint"], fingerprint(project, who));
        assert_eq!(headers["x-forwarded-client-cert"], Value::Null);
    }
    let nobody = call(project, None, "/healthz", &forged).echo();
    assert_eq!(nobody["headers"]["x-client-alias"], Value::Null);
    assert_eq!(call(project, None, "/hello", &[]).status, 403);

    let (of_a_stranger, key) = ("stranger.pem", "stranger.key");
    let subject =
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=stranger"];
    run(&project.path("clients"), "openssl", subject.into_iter().chain(["-keyout", key, "-out", of_a_stranger]));
    assert_eq!(call(project, Some("stranger"), "/hello", &[]).status, 0, "a handshake with an untrusted certificate");

    // Five in ten seconds; however slow this machine is, it is not that slow thirty times.
    let over = (0..30).map(|_| call(project, Some("partner-b"), "/hello", &[])).find(|answer| answer.status != 200);
    let over = over.expect("a request over the limit");
    assert_eq!(over.status, 429, "{over:?}");
    assert!(over.retry_after.is_some_and(|seconds| (1..=2).contains(&seconds)), "{over:?}");
    assert_eq!(call(project, Some("partner-a"), "/hello", &[]).status, 200, "another client");
}

/// As somebody who makes carol's certificate, and writes what they are told into the registry.
async fn a_client_is_added_while_it_runs(project: &Project) {
    eprintln!("adding a client");
    let said = project.compose(&["run", "--rm", "certificates", "carol"]);
    let entry = said.lines().find(|line| line.contains("- {alias: carol")).expect("an entry for the registry");
    copy_clients(project);
    let unknown = call(project, Some("carol"), "/hello", &[]);
    assert_eq!(unknown.status, 403);
    assert_eq!(unknown, call(project, None, "/hello", &[]), "nobody learns why");

    let registry = registry(project);
    edit(project, &registry.replace("clients:\n", &format!("clients:\n{entry}\n")));
    let echo = until("carol to be let in", async || {
        let answer = call(project, Some("carol"), "/hello", &[]);
        (answer.status == 200).then(|| answer.echo())
    })
    .await;
    assert_eq!(echo["headers"]["x-client-alias"], "carol");
    assert_eq!(call(project, Some("partner-a"), "/hello", &[]).status, 200);

    edit(
        project,
        &registry
            .replace("clients:\n", &format!("clients:\n{}\n", entry.replace("bronze,", "bronze, enabled: false,"))),
    );
    until("carol to be refused", async || (call(project, Some("carol"), "/hello", &[]).status == 403).then_some(()))
        .await;
}

async fn a_registry_that_is_refused_changes_nothing(project: &Project) {
    eprintln!("breaking the registry");
    let good = registry(project);
    edit(project, &good.replace("tier: gold\n", "tier: golden\n"));
    until("the watch to refuse it and say why", async || {
        let log = project.log("registry");
        let says = ["error[CG0111]: clients[1].tier: ", "refused: /registry/registry-ecds.yaml stays as it is"];
        says.iter().all(|said| log.contains(said)).then_some(())
    })
    .await;
    assert_eq!(call(project, Some("partner-a"), "/hello", &[]).status, 200);
    edit(project, &good);
}

fn registry(project: &Project) -> String {
    fs::read_to_string(project.path("envoy/compose/registry.yaml")).expect("the registry")
}

/// In place, as some editors do.
fn edit(project: &Project, text: &str) {
    assert_ne!(text, registry(project), "the registry has changed, and this test has not");
    fs::write(project.path("envoy/compose/registry.yaml"), text).expect("the registry");
}

async fn prometheus_has_the_figures(project: &Project) {
    eprintln!("asking Prometheus");
    let count = async |labels: &str| {
        let expression = format!("sum(certgate_requests_total{{{labels}}})");
        until(&expression, async || {
            let value: f64 = query(project, &expression)?.first()?["value"][1].as_str()?.parse().ok()?;
            (value > 0.0).then_some(value)
        })
        .await
    };
    count(r#"decision="allowed",tier="gold""#).await;
    count(r#"decision="throttled",reason="limit_exceeded",tier="bronze""#).await;
    count(r#"decision="refused",reason="no_certificate""#).await;
    count(r#"decision="refused",reason="unknown_certificate""#).await;
    let up = query(project, "up").expect("Prometheus answers");
    assert!(!up.is_empty() && up.iter().all(|series| series["value"][1] == "1"), "{up:?}");
}

fn nobody_has_more_than_they_need(project: &Project) {
    eprintln!("looking at who may do what");
    for service in SERVICES.into_iter().chain(["certificates"]) {
        let container = project.inspect(service);
        let host = &container["HostConfig"];
        assert_eq!(host["ReadonlyRootfs"], true, "{service}");
        assert_eq!(host["CapDrop"], json!(["ALL"]), "{service}");
        assert_eq!(host["SecurityOpt"], json!(["no-new-privileges:true"]), "{service}");
        assert_eq!(host["LogConfig"]["Config"]["max-file"], "3", "{service}");
        let may = if service == "certificates" { json!(["CHOWN"]) } else { Value::Null };
        assert_eq!(host["CapAdd"], may, "{service}");
        assert_eq!(
            container["Config"]["User"].as_str().unwrap().starts_with("0:"),
            service == "certificates",
            "{service}"
        );
        let published =
            host["PortBindings"].as_object().into_iter().flatten().flat_map(|(_, to)| to.as_array().unwrap());
        assert!(published.into_iter().all(|to| to["HostIp"] == "127.0.0.1"), "{service}");
    }
    // 65532 is Envoy's user.
    let keys = ["/server/server.key", "/clients/partner-a.key", "/authority/ca.key"];
    let stat = [&["run", "--rm", "--entrypoint", "stat", "certificates", "-c", "%a %u"][..], &keys].concat();
    assert!(project.compose(&stat).lines().eq(["400 65532", "400 0", "400 0"]));
    let networks = |service: &str| {
        let networks = project.inspect(service)["NetworkSettings"]["Networks"].take();
        let short = |(name, of): (&String, &Value)| {
            (name.rsplit('_').next().unwrap_or(name).to_owned(), of["IPAddress"].as_str().unwrap().to_owned())
        };
        networks.as_object().unwrap().iter().map(short).collect::<BTreeMap<_, _>>()
    };
    assert!(networks("upstream").keys().eq(["upstreams"]));
    assert!(networks("prometheus").keys().eq(["metrics"]));
    assert!(networks("certificates").keys().chain(networks("registry").keys()).all(|name| name == "none"));
    // Of Envoy's administration, whoever is on a network with it may read the metrics and nothing else.
    let envoy = &networks("envoy")["metrics"];
    let status = |place: &str, arguments: &[&str]| get(project, &format!("http://{envoy}:{place}"), arguments).status;
    assert_eq!(status("9901/stats/prometheus", &[]), 200);
    assert_eq!(status("9901/stats/prometheus", &["-X", "POST"]), 404);
    assert_eq!(status("9901/config_dump", &[]), 404);
    assert_eq!(status("9901/quitquitquit", &["-X", "POST"]), 404);
    assert_eq!(status("9900/stats/prometheus", &[]), 0);
}

/// Certificates stay what they are, and so do containers.
fn it_may_be_started_again(project: &Project) {
    eprintln!("docker-compose up, again");
    let before = ["ca.pem", "partner-a.pem"].map(|file| fs::read(project.path("clients").join(file)).unwrap());
    let envoy = project.inspect("envoy")["State"]["StartedAt"].clone();
    let mut arguments = vec!["up", "--detach"];
    arguments.extend(SERVICES);
    project.compose(&arguments);
    copy_clients(project);
    let after = ["ca.pem", "partner-a.pem"].map(|file| fs::read(project.path("clients").join(file)).unwrap());
    assert_eq!(before, after);
    assert_eq!(envoy, project.inspect("envoy")["State"]["StartedAt"]);
    assert_eq!(call(project, Some("partner-a"), "/hello", &[]).status, 200);
}

async fn everything_is_healthy(project: &Project) {
    for service in ["envoy", "upstream", "prometheus"] {
        until(&format!("{service} to be healthy"), async || {
            (project.inspect(service)["State"]["Health"]["Status"] == "healthy").then_some(())
        })
        .await;
    }
    assert_eq!(project.inspect("registry")["State"]["Running"], true);
}
