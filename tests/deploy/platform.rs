//! What the control planes of Istio and Envoy Gateway make of manifests: an Envoy like the shipped one, with the filters
//! and patches that the manifests ask for in the places where these put them. They cannot run here; this follows their
//! translators (Istio's `pilot/pkg`, Envoy Gateway's `internal/xds/translator`), so that a real Envoy can be asked.

use crate::support::bootstrap::shipped;
use serde_json::{Map, Value, json};

const TYPE: &str = "type.googleapis.com/";

/// What `envoy.yaml` has that only the manifests are to bring.
const OF_THE_GUARD: [&str; 6] = [
    "early_header_mutation_extensions",
    "forward_client_cert_details",
    "normalize_path",
    "merge_slashes",
    "path_with_escaped_slashes_action",
    "strip_trailing_host_dot",
];

/// An Envoy as Istio would have it.
pub(super) fn istio(manifests: &[Value]) -> Value {
    let (mut document, mut bootstrap) = (bare(), Value::Null);
    let manager = manager(&mut document);
    for plugin in of_kind(manifests, "WasmPlugin") {
        let spec = &plugin["spec"];
        assert_eq!((&spec["phase"], &spec["failStrategy"]), (&json!("AUTHZ"), &json!("FAIL_CLOSE")));
        let config = wasm("", spec["pluginName"].as_str().unwrap(), &spec["pluginConfig"]);
        insert(manager, "envoy.filters.http.router", config);
    }
    for policy in of_kind(manifests, "AuthorizationPolicy") {
        insert(manager, "envoy.filters.http.router", authorization(policy));
    }
    let patches =
        || of_kind(manifests, "EnvoyFilter").flat_map(|filter| filter["spec"]["configPatches"].as_array().unwrap());
    for patch in patches() {
        let value = patch["patch"]["value"].clone();
        match (patch["applyTo"].as_str().unwrap(), patch["patch"]["operation"].as_str().unwrap()) {
            ("NETWORK_FILTER", "MERGE") => merge(manager, &value["typed_config"]),
            ("BOOTSTRAP", "MERGE") => bootstrap = value,
            ("HTTP_FILTER", "INSERT_BEFORE") => {
                let before = &patch["match"]["listener"]["filterChain"]["filter"]["subFilter"]["name"];
                insert(manager, before.as_str().unwrap(), value);
            }
            // Istio's discovery service is not there: the filter gets what it would discover.
            ("HTTP_FILTER", "INSERT_FIRST") => {
                assert!(value["config_discovery"]["config_source"]["ads"].is_object());
                let is_it = |patch: &&Value| {
                    patch["applyTo"] == "EXTENSION_CONFIG" && patch["patch"]["value"]["name"] == value["name"]
                };
                let mut discovered = patches().find(is_it).unwrap()["patch"]["value"].clone();
                discovered["typed_config"]["config"]["vm_config"]["code"] = json!({"local": {}});
                manager["http_filters"].as_array_mut().unwrap().insert(0, discovered);
            }
            ("EXTENSION_CONFIG", "ADD") => {}
            other => panic!("a patch of a new kind: {other:?}"),
        }
    }
    merge(&mut document, &bootstrap);
    document
}

/// An Envoy as Envoy Gateway would have it.
pub(super) fn envoy_gateway(manifests: &[Value]) -> Value {
    let mut document = bare();
    let manager = manager(&mut document);
    for policy in of_kind(manifests, "EnvoyExtensionPolicy") {
        let wasm_spec = &policy["spec"]["wasm"][0];
        assert_eq!(wasm_spec["failOpen"], false);
        let vm_id = format!("envoyextensionpolicy/{}/wasm/0", policy["metadata"]["name"].as_str().unwrap());
        let config = wasm(&vm_id, wasm_spec["rootID"].as_str().unwrap(), &wasm_spec["config"]);
        insert(manager, "envoy.filters.http.router", config);
    }
    for policy in of_kind(manifests, "ClientTrafficPolicy") {
        let spec = &policy["spec"];
        assert_eq!(spec["tls"]["clientValidation"]["mode"], "VerifyIfGiven");
        assert_eq!(spec["path"]["escapedSlashesAction"], "RejectRequest");
        assert_eq!(spec["headers"]["withUnderscoresAction"], "RejectRequest");
        assert_eq!(spec["headers"]["host"]["stripTrailingHostDot"], true);
        let forward = match spec["headers"]["xForwardedClientCert"]["mode"].as_str() {
            Some("Sanitize") => "SANITIZE",
            Some("ForwardOnly") => "FORWARD_ONLY",
            other => panic!("a mode that no manifest has: {other:?}"),
        };
        let early = &spec["headers"]["earlyRequestHeaders"];
        let removed = early["remove"].as_array().unwrap().iter().map(|name| json!({"remove": name}));
        let look_alikes = early["removeOnMatch"].as_array().unwrap().iter().map(|matcher| {
            assert_eq!(matcher["type"], "RegularExpression");
            json!({"remove_on_match": {"key_matcher": {"safe_regex": {"regex": matcher["value"]}}}})
        });
        let mutations: Vec<_> = removed.chain(look_alikes).collect();
        merge(
            manager,
            &json!({
                "forward_client_cert_details": forward,
                "normalize_path": true,
                "merge_slashes": true,
                "path_with_escaped_slashes_action": "REJECT_REQUEST",
                "strip_trailing_host_dot": true,
                "early_header_mutation_extensions": [{
                    "name": "envoy.http.early_header_mutation.header_mutation",
                    "typed_config": {
                        "@type": format!("{TYPE}envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"),
                        "mutations": mutations,
                    },
                }],
            }),
        );
    }
    for policy in of_kind(manifests, "SecurityPolicy") {
        by_expressions(manager, &policy["spec"]["authorization"]);
    }
    let proxy = of_kind(manifests, "EnvoyProxy").next().unwrap();
    assert_eq!(proxy["spec"]["bootstrap"]["type"], "Merge");
    let bootstrap = proxy["spec"]["bootstrap"]["value"].as_str().unwrap();
    merge(&mut document, &serde_saphyr::from_str(bootstrap).unwrap());
    document
}

fn bare() -> Value {
    let mut document = shipped("envoy.yaml");
    document.as_object_mut().unwrap().remove("stats_config").unwrap();
    let manager = manager(&mut document);
    for key in OF_THE_GUARD {
        manager.as_object_mut().unwrap().remove(key).unwrap();
    }
    let router = |filter: &Value| filter["name"] == "envoy.filters.http.router";
    manager["http_filters"].as_array_mut().unwrap().retain(router);
    document
}

fn manager(document: &mut Value) -> &mut Value {
    &mut document["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
}

fn of_kind<'m>(manifests: &'m [Value], kind: &'static str) -> impl Iterator<Item = &'m Value> {
    manifests.iter().filter(move |manifest| manifest["kind"] == kind)
}

fn insert(manager: &mut Value, before: &str, filter: Value) {
    let filters = manager["http_filters"].as_array_mut().unwrap();
    let place = filters.iter().position(|filter| filter["name"] == before).unwrap();
    filters.insert(place, filter);
}

/// As protobuf merges: messages field by field, lists one after the other.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(from)) => into.extend(from.iter().cloned()),
        (into, from) => *into = from.clone(),
    }
}

/// Both hand the configuration over as JSON text.
fn wasm(vm_id: &str, root_id: &str, configuration: &Value) -> Value {
    json!({
        "name": "certgate",
        "typed_config": {
            "@type": format!("{TYPE}envoy.extensions.filters.http.wasm.v3.Wasm"),
            "config": {
                "name": "certgate",
                "root_id": root_id,
                "failure_policy": "FAIL_CLOSED",
                "vm_config": {"vm_id": vm_id, "runtime": "envoy.wasm.runtime.v8", "code": {"local": {}}},
                "configuration": {"@type": format!("{TYPE}google.protobuf.StringValue"), "value": configuration.to_string()},
            },
        },
    })
}

/// The filter of a policy that denies.
fn authorization(policy: &Value) -> Value {
    let spec = &policy["spec"];
    assert_eq!(spec["action"], "DENY");
    let rules = spec["rules"].as_array().unwrap().iter().enumerate();
    let policies: Map<String, Value> = rules.map(|(place, rule)| (format!("rule[{place}]"), policy_of(rule))).collect();
    let is_dry_run = policy["metadata"]["annotations"]["istio.io/dry-run"] == "true";
    let key = if is_dry_run { "shadow_rules" } else { "rules" };
    json!({
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": format!("{TYPE}envoy.extensions.filters.http.rbac.v3.RBAC"),
            key: {"action": "DENY", "policies": policies},
        },
    })
}

fn policy_of(rule: &Value) -> Value {
    let operations = rule["to"].as_array().into_iter().flatten().map(|to| to["operation"].as_object().unwrap());
    let permissions: Vec<Value> = operations.map(permission).collect();
    let conditions = rule["when"].as_array().unwrap().iter().map(|when| {
        let name = when["key"].as_str().unwrap().strip_prefix("request.headers[").unwrap().strip_suffix(']').unwrap();
        assert_eq!(when["notValues"], json!(["*"]));
        json!({"not_id": {"header": {"name": name, "present_match": true}}})
    });
    json!({
        "permissions": if permissions.is_empty() { vec![json!({"any": true})] } else { permissions },
        "principals": [{"and_ids": {"ids": conditions.collect::<Vec<_>>()}}],
    })
}

fn permission(operation: &Map<String, Value>) -> Value {
    let rules = operation.iter().map(|(key, values)| {
        let any = |of: fn(&str) -> Value| {
            let rules: Vec<Value> =
                values.as_array().unwrap().iter().map(|value| of(value.as_str().unwrap())).collect();
            json!({"or_rules": {"rules": rules}})
        };
        let (negated, key) = match key.strip_prefix("not") {
            Some(key) => (true, key.to_ascii_lowercase()),
            None => (false, key.clone()),
        };
        let rule = match key.as_str() {
            "paths" => any(path),
            "hosts" => any(|host| json!({"header": {"name": ":authority", "string_match": string(host, true)}})),
            "methods" => any(|method| json!({"header": {"name": ":method", "string_match": string(method, false)}})),
            other => panic!("a condition that no guard has: {other}"),
        };
        if negated { json!({"not_rule": rule}) } else { rule }
    });
    json!({"and_rules": {"rules": rules.collect::<Vec<_>>()}})
}

fn path(value: &str) -> Value {
    if !value.contains("{*}") && !value.contains("{**}") {
        return json!({"url_path": {"path": string(value, false)}});
    }
    let template = value.replace("{**}", "**").replace("{*}", "*");
    json!({"uri_template": {
        "name": "uri-template",
        "typed_config": {
            "@type": format!("{TYPE}envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig"),
            "path_template": template,
        },
    }})
}

fn string(value: &str, ignore_case: bool) -> Value {
    let mut matcher = match (value.strip_suffix('*'), value.strip_prefix('*')) {
        (Some(prefix), _) => json!({"prefix": prefix}),
        (_, Some(suffix)) => json!({"suffix": suffix}),
        _ => json!({"exact": value}),
    };
    if ignore_case {
        matcher["ignore_case"] = json!(true);
    }
    matcher
}

/// Envoy Gateway hands expressions to Envoy's RBAC in parsed form, which has no text. The same evaluator reads them as text
/// where headers are formatted, so here a header says what they say, and RBAC asks for the header.
fn by_expressions(manager: &mut Value, authorization: &Value) {
    assert_eq!(authorization["defaultAction"], "Deny");
    let rules = authorization["rules"].as_array().unwrap().iter();
    let expressions: Vec<&str> = rules
        .map(|rule| {
            assert_eq!(rule["action"], "Allow");
            rule["cel"].as_str().unwrap()
        })
        .collect();
    let mutations = expressions.iter().enumerate().map(|(place, expression)| {
        // A `)%` would end the command.
        let value = format!("%CEL({})%", expression.replace('%', r"\x25"));
        json!({"append": {
            "header": {"key": format!("x-guard-{place}"), "value": value},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }})
    });
    let mutation = json!({
        "name": "expressions",
        "typed_config": {
            "@type": format!("{TYPE}envoy.extensions.filters.http.header_mutation.v3.HeaderMutation"),
            "mutations": {"request_mutations": mutations.collect::<Vec<_>>()},
        },
    });
    let permissions = (0..expressions.len())
        .map(|place| json!({"header": {"name": format!("x-guard-{place}"), "string_match": {"exact": "true"}}}));
    let rbac = json!({
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": format!("{TYPE}envoy.extensions.filters.http.rbac.v3.RBAC"),
            "rules": {"action": "ALLOW", "policies": {
                "guard": {"permissions": permissions.collect::<Vec<_>>(), "principals": [{"any": true}]},
            }},
        },
    });
    insert(manager, "envoy.filters.http.router", mutation);
    insert(manager, "envoy.filters.http.router", rbac);
}
