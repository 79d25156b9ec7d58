//! `certgate render`: that a guard lets through no more than the rules do, and no less than it must, in each language; what
//! it says of what it cannot; and that a registry is the same wherever it is written.

mod guard;
mod headers;
mod registry;

use certgate_test_support::certificates::{Template, new_key};
use certgate_test_support::command_line::Run;
use rcgen::DnType;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn render(arguments: &[&str], registry: &str) -> Run {
    let arguments = [&["render"], arguments, &["-"]].concat();
    Run::of(env!("CARGO_BIN_EXE_certgate"), Path::new("."), &arguments, registry)
}

/// The options that no bootstrap is without.
const FILES: [&str; 6] = ["--certificate", "server.pem", "--key", "server.key", "--trusted-ca", "ca.pem"];

fn envoy(registry: &str) -> Run {
    render(&[&["envoy", "--module", "certgate.wasm"], &FILES[..]].concat(), registry)
}

fn ecds(registry: &str) -> Run {
    render(&["ecds", "--module", "certgate.wasm"], registry)
}

fn istio(registry: &str) -> Run {
    render(&["istio", "--image", "registry.example/certgate:1", "--sha256", DIGEST, "--namespace", "edge"], registry)
}

fn envoy_gateway(registry: &str) -> Run {
    let image =
        ["--image", "registry.example/certgate:1", "--sha256", DIGEST, "--gateway", "edge", "--namespace", "edge"];
    render(&[&["envoy-gateway"][..], &image].concat(), registry)
}

/// The documents in what was printed.
fn documents(run: &Run) -> Vec<Value> {
    assert_eq!(run.code, 0, "{}", run.err);
    let documents = run.out.split("\n---\n").map(|text| serde_saphyr::from_str::<Value>(text).unwrap());
    documents.filter(|document| !document.is_null()).collect()
}

fn of_kind<'d>(documents: &'d [Value], kind: &str) -> Option<&'d Value> {
    documents.iter().find(|document| document["kind"] == kind)
}

fn registry_with(rules: &Value) -> String {
    json!({"version": 1, "tiers": {"t": {}}, "clients": [], "rules": rules}).to_string()
}

/// A connection manager in a bootstrap.
fn manager(run: &Run) -> Value {
    let document = &documents(run)[0];
    document["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"].clone()
}

fn filter(manager: &Value, name: &str) -> Option<Value> {
    manager["http_filters"].as_array()?.iter().find(|filter| filter["name"] == name).cloned()
}

fn rbac(run: &Run) -> Option<Value> {
    filter(&manager(run), "envoy.filters.http.rbac").map(|filter| filter["typed_config"].clone())
}

/// The filter behind an AuthorizationPolicy, where that says too little.
fn behind(manifests: &[Value]) -> Option<Value> {
    let guard = manifests.iter().find(|document| document["metadata"]["name"] == "certgate-guard")?;
    let patches = guard["spec"]["configPatches"].as_array()?;
    let inserted = patches.iter().find(|patch| patch["patch"]["operation"] == "INSERT_BEFORE");
    inserted.map(|patch| patch["patch"]["value"]["typed_config"].clone())
}

#[test]
fn in_shadow_mode_a_guard_only_counts() {
    let registry = json!({"version": 1, "mode": "shadow", "clients": []}).to_string();
    let filter = rbac(&envoy(&registry)).unwrap();
    assert!(filter.get("rules").is_none() && filter["shadow_rules"]["policies"]["identified"].is_object());
    let manifests = documents(&istio(&registry));
    let authorization = of_kind(&manifests, "AuthorizationPolicy").unwrap();
    assert_eq!(authorization["metadata"]["annotations"], json!({"istio.io/dry-run": "true"}));
    let run = envoy_gateway(&registry);
    assert!(of_kind(&documents(&run), "SecurityPolicy").is_none());
    assert!(run.out.contains("a SecurityPolicy cannot only count"), "{}", run.out);
    assert!(run.err.contains("warning[CG0308]: mode: a SecurityPolicy has no shadow mode"), "{}", run.err);
}

#[test]
fn wrong_registries_are_refused_as_check_refuses_them() {
    let run = envoy(r#"{"version": 2, "clients": [{"alias": "a"}]}"#);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    insta::assert_snapshot!(run.err, @r"
    -:1:13: error[CG0101]: version: expected 1, found 2
    -:1:28: error[CG0101]: clients[0].tier: expected the name of the client's tier, found nothing
    -:1:28: error[CG0101]: clients[0].credentials: expected a list of one credential or more, found nothing
    ");
}

#[test]
fn options_that_are_missing_or_wrong_are_named() {
    let good = r#"{"version": 1, "clients": []}"#;
    let refused = |arguments: &[&str]| {
        let run = render(arguments, good);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{arguments:?}");
        run.err
    };
    for (arguments, missing) in [
        (&["envoy"][..], &["--certificate", "--key", "--module", "--trusted-ca"][..]),
        (&["ecds"], &["--module"]),
        (&["istio"], &["--image", "--sha256", "--namespace"]),
        (&["istio", "--placement", "sidecar"], &["--image", "--sha256", "--namespace", "--selector"]),
        (&["envoy-gateway"], &["--image", "--sha256", "--namespace", "--gateway"]),
    ] {
        let said = refused(arguments);
        let words = said.lines().map(|line| line.trim_start_matches([' ', '<']).split(' '));
        let required = words.filter_map(|mut words| words.find(|word| word.starts_with("--")));
        assert_eq!(required.take(missing.len()).collect::<Vec<_>>(), missing, "{said}");
    }
    for (option, value, expected) in [
        ("--sha256", "sha256:12", "expected 64 hexadecimal digits in lower case"),
        ("--name", "a b", "expected a name of a-z, 0-9, `-` and `.`"),
        ("--namespace", "", "expected a name of a-z, 0-9, `-` and `.`"),
        ("--selector", "app", "expected a label such as app=cart"),
        ("--selector", "=cart", "expected a label such as app=cart"),
        ("--target-ref", "edge", "expected gateway.networking.k8s.io/Gateway/NAME"),
        ("--target-ref", "gateway.networking.k8s.io/Gateway/", "expected a name of a-z, 0-9, `-` and `.`"),
        ("--target-ref", "Service/cart", "a waypoint shows certgate no client certificate"),
        ("--pull-secret", "A", "expected a name of a-z, 0-9, `-` and `.`"),
    ] {
        let more = if option == "--sha256" { &[][..] } else { &["--sha256", DIGEST] };
        let said = refused(&[&["istio", "--image", "x", option, value], more].concat());
        assert!(said.contains(expected) || (value.is_empty() && said.contains("a value is required")), "{said}");
    }
    for arguments in [["ecds", "--module", ""], ["istio", "--image", ""]] {
        assert!(refused(&arguments).contains("a value is required"), "{arguments:?}");
    }
    // As registries write it.
    let prefixed = [
        "istio",
        "--image",
        "registry.example/certgate:1",
        "--sha256",
        &format!("sha256:{DIGEST}"),
        "--namespace",
        "edge",
    ];
    assert_eq!(render(&prefixed, good).out, istio(good).out);
    for arguments in [&[][..], &["kong"], &["istio", "--by", "hand"]] {
        assert!(!refused(arguments).is_empty());
    }
}

#[test]
fn authorities_are_rendered_without_a_registry() {
    let secret = |arguments: &[&str], registry: &str| {
        let run = Run::of(
            env!("CARGO_BIN_EXE_certgate"),
            Path::new("."),
            &[&["render", "sds"], arguments].concat(),
            registry,
        );
        assert_eq!((run.code, run.err.as_str()), (0, ""));
        documents(&run)[0]["resources"][0].clone()
    };
    for (file, folder) in
        [("/etc/envoy/clients.pem", "/etc/envoy"), ("clients.pem", "."), ("a/b c.pem", "a"), ("/x", "/")]
    {
        let secret = secret(&["--trusted-ca", file], "");
        assert_eq!(secret["name"], "trusted_ca");
        let expected = json!({"trusted_ca": {"filename": file}, "watched_directory": {"path": folder}});
        assert_eq!(secret["validation_context"], expected, "{file}");
    }
    for arguments in [&["--trusted-ca", ""][..], &[], &["--trusted-ca", "x", "registry.yaml"]] {
        let run = render(&[&["sds"], arguments].concat(), "");
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{arguments:?}");
    }
    let run = render(&["sds", "--trusted-ca", "absent.pem", "--envoy-crl"], r#"{"version": 1, "clients": []}"#);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(run.err.starts_with("-: error[CG0301]: --trusted-ca absent.pem: "), "{}", run.err);
}

#[test]
fn a_platform_has_no_options_of_another() {
    let good = r#"{"version": 1, "clients": []}"#;
    let watch = ["--watch", "a/b.yaml"];
    let objects = ["--image", "x", "--sha256", DIGEST, "--namespace", "x"];
    for (arguments, foreign) in [
        ([&["envoy"][..], &FILES, &watch].concat(), &["--module", "x"][..]),
        ([&["envoy"][..], &FILES, &watch].concat(), &["--namespace", "x"]),
        (vec!["ecds", "--module", "x"], &["--envoy-crl"]),
        (vec!["ecds", "--module", "x"], &["--trusted-ca", "x"]),
        ([&["envoy", "--module", "x"][..], &FILES].concat(), &["--trusted-ca-sds", "x"]),
        ([&["envoy", "--module", "x"][..], &FILES[..4], &["--trusted-ca-sds", "x"]].concat(), &["--envoy-crl"]),
        ([&["istio"][..], &objects].concat(), &["--module", "x"]),
        ([&["istio"][..], &objects].concat(), &["--gateway", "x"]),
        ([&["istio"][..], &objects].concat(), &["--client-ca", "x"]),
        (
            [&["istio", "--selector", "app=x"][..], &objects].concat(),
            &["--target-ref", "gateway.networking.k8s.io/Gateway/x"],
        ),
        ([&["istio", "--placement", "sidecar", "--selector", "app=x"][..], &objects].concat(), &["--trusted-ca", "x"]),
        ([&["istio", "--placement", "sidecar", "--selector", "app=x"][..], &objects].concat(), &["--credential", "x"]),
        ([&["istio", "--by", "envoy-filter"][..], &objects].concat(), &["--pull-secret", "x"]),
        ([&["envoy-gateway", "--gateway", "x"][..], &objects].concat(), &["--selector", "app=x"]),
        ([&["envoy-gateway", "--gateway", "x"][..], &objects].concat(), &["--target-ref", "x"]),
        ([&["envoy-gateway", "--gateway", "x"][..], &objects].concat(), &["--credential", "x"]),
    ] {
        assert_eq!(render(&arguments, good).code, 0, "{arguments:?}");
        let run = render(&[&arguments, foreign].concat(), good);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{arguments:?} {foreign:?}");
        assert!(run.err.contains(foreign[0]), "{}", run.err);
    }
}

/// The authorities come from a file that may hold more than certificates.
#[test]
fn authorities_are_put_into_an_object_and_nothing_else_of_their_file() {
    let folder = TempDir::new().unwrap();
    let ca = |name: &str| Template::new(&[(DnType::CommonName, name)]).self_signed();
    let (one, two, key) = (ca("one"), ca("two"), new_key().serialize_pem());
    let file = folder.path().join("ca.pem").display().to_string();
    fs::write(&file, format!("# ours\n{}{key}\n{}", one.pem, two.pem.replace('\n', "\r\n"))).unwrap();
    let objects = ["--image", "x", "--sha256", DIGEST, "--namespace", "edge", "--trusted-ca", &file];
    let good = r#"{"version": 1, "clients": []}"#;
    for (arguments, kind, name, key) in [
        (&["istio"][..], "Secret", "api-credential-cacert", "stringData"),
        (&["istio", "--credential", "tls"], "Secret", "tls-cacert", "stringData"),
        (&["envoy-gateway", "--gateway", "edge"], "ConfigMap", "certgate-clients", "data"),
        (&["envoy-gateway", "--gateway", "edge", "--client-ca", "partners"], "ConfigMap", "partners", "data"),
    ] {
        let run = render(&[arguments, &objects].concat(), good);
        let documents = documents(&run);
        let object = of_kind(&documents, kind).unwrap();
        assert_eq!(object["metadata"], json!({"name": name, "namespace": "edge"}));
        assert_eq!(object[key]["ca.crt"].as_str().unwrap(), format!("{}{}", one.pem, two.pem).replace("\r\n", "\n"));
        assert!(!run.out.contains("PRIVATE KEY") && !run.out.contains("# ours"));
        let without = render(&[arguments, &objects[..6]].concat(), good);
        assert!(of_kind(&self::documents(&without), kind).is_none());
    }
    for (content, said) in
        [(key.as_str(), "no PEM block CERTIFICATE"), ("-----BEGIN CERTIFICATE-----\n!", "broken PEM")]
    {
        fs::write(&file, content).unwrap();
        let run = render(&[&["istio"][..], &objects].concat(), good);
        assert_eq!((run.code, run.out.as_str()), (1, ""));
        assert!(run.err.starts_with(&format!("-: error[CG0301]: --trusted-ca {file}: {said}")), "{}", run.err);
    }
}

#[test]
fn a_gateway_of_the_gateway_api_is_named_by_every_object() {
    let target = ["--target-ref", "gateway.networking.k8s.io/Gateway/edge"];
    let rules = registry_with(&json!([{"match": {"path": "/{a}/b"}, "access": "public"}]));
    for by in [&["--by", "wasm-plugin"][..], &["--by", "envoy-filter"]] {
        let arguments = ["istio", "--image", "x", "--sha256", DIGEST, "--namespace", "edge"];
        let documents = documents(&render(&[&arguments[..], by, &target].concat(), &rules));
        assert_eq!(documents.len(), 4);
        for document in &documents {
            let reference = json!([{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"}]);
            assert_eq!(document["spec"]["targetRefs"], reference, "{document:#}");
            assert!(document["spec"]["selector"].is_null() && document["spec"]["workloadSelector"].is_null());
        }
    }
}

#[test]
fn images_of_private_registries_are_pulled_with_a_secret() {
    let good = r#"{"version": 1, "clients": []}"#;
    let secret = ["--image", "x", "--sha256", DIGEST, "--namespace", "edge", "--pull-secret", "pull"];
    let documents = |arguments: &[&str]| documents(&render(&[arguments, &secret].concat(), good));
    let plugin = of_kind(&documents(&["istio"]), "WasmPlugin").unwrap()["spec"].clone();
    assert_eq!(plugin["imagePullSecret"], "pull");
    let policy = of_kind(&documents(&["envoy-gateway", "--gateway", "x"]), "EnvoyExtensionPolicy").unwrap().clone();
    let image = &policy["spec"]["wasm"][0]["code"]["image"];
    assert_eq!(image["pullSecretRef"], json!({"kind": "Secret", "name": "pull"}));
}

#[test]
fn tokens_that_a_platform_puts_elsewhere_are_warned_of() {
    let registry = json!({"version": 1, "clients": [], "rules": [{"bound_token": true}]}).to_string();
    assert!(istio(&registry).err.contains("rules[0].bound_token: Istio's RequestAuthentication"));
    assert!(envoy_gateway(&registry).err.contains("rules[0].bound_token: certgate looks for tokens"));
    assert!(!envoy(&registry).err.contains("bound_token"));
}
