//! Lists whose issuer is spelled otherwise than the certificates have it: certgate refuses every certificate that Envoy's
//! own validation refuses as revoked by the same list.

use crate::support::der::{COMMON_NAME, Certificate, ORGANIZATION, authority, list, name, pem};
use crate::support::envoy::Envoy;
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::strings::{BMP, IA5, NUMERIC, PRINTABLE, T61, UNIVERSAL, UTF8, common_name, string};
use crate::support::wait::until;
use crate::support::world::World;
use rcgen::KeyPair;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Names of authorities, each with words for it.
fn spellings() -> Vec<(&'static str, Vec<u8>)> {
    let (lab, ca) = ((ORGANIZATION, string(BMP, "Lab")), (COMMON_NAME, string(PRINTABLE, "A")));
    vec![
        ("UTF-8", common_name(UTF8, "Field CA")),
        ("printable", common_name(PRINTABLE, "Field CA")),
        ("IA5, in capitals", common_name(IA5, "FIELD CA")),
        ("T61, more spaces", common_name(T61, "  field \t CA ")),
        ("BMP", common_name(BMP, "Field CA")),
        ("universal", common_name(UNIVERSAL, "Field CA")),
        ("no space", common_name(UTF8, "FieldCA")),
        ("no-break space", common_name(UTF8, "Field\u{a0}CA")),
        ("ü in UTF-8", common_name(UTF8, "Zürich")),
        ("ü in T61", common_name(T61, "Zürich")),
        ("Ü in UTF-8", common_name(UTF8, "ZÜRICH")),
        ("digits, numeric", common_name(NUMERIC, "12 3")),
        ("digits, UTF-8", common_name(UTF8, "12 3")),
        ("two in one set", name(&[vec![ca.clone(), lab.clone()]])),
        ("the same in the other order", name(&[vec![lab.clone(), ca.clone()]])),
        ("the same in two sets", name(&[vec![ca], vec![lab]])),
    ]
}

/// The lists that are tried, by their issuer's spelling.
const LISTS: [&str; 7] =
    ["UTF-8", "T61, more spaces", "universal", "ü in T61", "digits, numeric", "the same in the other order", "BMP"];

/// Where the two differ: the list's spelling, the certificate's, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[];

/// Who refuses a certificate, and why.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Revoked,
    NoList,
    Nothing,
}

/// The listener's log of connections.
fn log_failures(listener: &mut Value, file: &Path) {
    listener["access_log"] = json!([{
        "name": "failures",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": file,
            "log_format": {"text_format_source": {"inline_string": "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%\n"}},
        },
    }]);
}

/// What Envoy's handshake has said of each connection.
async fn handshakes(file: &Path, connections: usize) -> Vec<Said> {
    let reasons = until("the reason of each failed handshake", async || {
        let text = fs::read_to_string(file).unwrap_or_default();
        // The last line may be written only in part.
        (text.matches('\n').count() >= connections).then_some(text)
    })
    .await;
    let said = |line: &str| match line {
        "-" => Said::Nothing,
        line if line.contains("certificate_revoked") => Said::Revoked,
        line if line.contains("unable_to_get_certificate_CRL") => Said::NoList,
        line => panic!("{line}"),
    };
    reasons.lines().map(said).collect()
}

/// What certgate has said of each request.
async fn decisions(envoy: &Envoy, requests: usize) -> Vec<Said> {
    let said = |line: &Value| match (line["http.response.status_code"].as_u64(), line["certgate.reason"].as_str()) {
        (Some(200), _) => Said::Nothing,
        (Some(403), Some("certificate_revoked")) => Said::Revoked,
        other => panic!("{other:?}"),
    };
    envoy.access_log(requests).await.iter().map(said).collect()
}

#[tokio::test]
async fn certgate_refuses_whom_envoys_own_handshake_refuses_as_revoked() {
    let (world, key, folder) = (World::new(), KeyPair::generate().unwrap(), TempDir::new().unwrap());
    let (names, subject) = (spellings(), common_name(UTF8, "leaf"));
    let authorities: String = names.iter().map(|(_, name)| authority(name, &key)).collect();
    let leaf = |name: &[u8]| Identity::of(Certificate::new(name, &subject, &key).signed(&key), &key);
    let leaves: Vec<_> = names.iter().map(|(spelling, name)| (*spelling, leaf(name))).collect();
    let clients: Vec<_> = (0..).zip(&leaves).map(|(place, (_, leaf))| (format!("c{place}"), leaf)).collect();
    let clients: Vec<_> = clients.iter().map(|(alias, leaf)| (&**alias, "unlimited", *leaf)).collect();
    let registry = registry::of(&clients);
    let (mut differences, mut revoked, mut passed) = (Vec::new(), 0, 0);
    for (spelling, issuer) in names.iter().filter(|(spelling, _)| LISTS.contains(spelling)) {
        let list = pem("X509 CRL", &list(issuer, &key));
        let mut with_list = registry.clone();
        with_list["crls"] = json!([{"pem": list}]);
        let failures = folder.path().join(spelling);
        let bootstrap = world.bootstrap(&with_list).trusting(&authorities);
        let bootstrap = bootstrap.another_listener("native", &registry).edit_document(|document| {
            let listeners = document["static_resources"]["listeners"].as_array_mut().unwrap();
            let native = listeners.iter_mut().find(|listener| listener["name"] == "native").unwrap();
            log_failures(native, &failures);
            let chain = &mut native["filter_chains"][0];
            let context = &mut chain["transport_socket"]["typed_config"]["common_tls_context"]["validation_context"];
            context["crl"] = json!({"inline_string": list});
        });
        // One worker, so that lines come in the order of connections.
        let envoy = Envoy::start(bootstrap.concurrency(1)).await;
        for (other, leaf) in &leaves {
            let caller = world.caller(leaf);
            let native = caller.clone().try_send(envoy.port_of("native"), &Request::get("/")).await;
            assert!(native.is_err(), "{spelling}, {other}: without a list of the issuer there is no handshake");
            caller.get(envoy.port(), "/").await;
        }
        let native = handshakes(&failures, leaves.len()).await;
        let ours = decisions(&envoy, leaves.len()).await;
        assert_eq!((native.len(), ours.len()), (leaves.len(), leaves.len()));
        for (((other, _), native), ours) in leaves.iter().zip(native).zip(ours) {
            assert!(
                native != Said::Revoked || ours == Said::Revoked,
                "the list of {spelling}, a certificate of {other}"
            );
            if (native == Said::Revoked) != (ours == Said::Revoked) {
                differences.push((*spelling, *other));
            }
            revoked += usize::from(ours == Said::Revoked);
            passed += usize::from(ours == Said::Nothing);
        }
    }
    let listed: Vec<_> = DIFFERENCES.iter().map(|(list, certificate, _)| (*list, *certificate)).collect();
    assert_eq!(differences, listed);
    assert!(revoked >= 20 && passed >= 40, "{revoked} revoked, {passed} not");
}
