//! The headers that a guard removes and asks for, and those that it leaves to certgate.

use super::{FILES, behind, documents, envoy, envoy_gateway, filter, istio, manager, of_kind, rbac, render};
use serde_json::{Value, json};

#[test]
fn without_an_alias_header_there_is_no_second_part() {
    let registry = json!({"version": 1, "headers": {"alias": null}, "clients": []}).to_string();
    for (run, kind) in [
        (envoy(&registry), ""),
        (istio(&registry), "AuthorizationPolicy"),
        (envoy_gateway(&registry), "SecurityPolicy"),
    ] {
        assert!(of_kind(&documents(&run), kind).is_none());
        assert!(run.out.contains("The guard has no second part"), "{}", run.out);
        assert!(run.err.contains("warning[CG0305]: headers.alias: "), "{}", run.err);
    }
    let manager = manager(&envoy(&registry));
    assert!(filter(&manager, "envoy.filters.http.rbac").is_none());
    assert!(manager["early_header_mutation_extensions"].is_array());
    assert!(behind(&documents(&istio(&registry))).is_none());
}

#[test]
fn renamed_headers_are_removed_and_asked_for() {
    let headers = json!({"alias": "x-consumer", "tier": null, "groups": "x-teams"});
    let registry = json!({"version": 1, "headers": headers, "clients": []}).to_string();
    let run = envoy(&registry);
    let manager = manager(&run);
    let mutations = &manager["early_header_mutation_extensions"][0]["typed_config"]["mutations"];
    let removed: Vec<_> =
        mutations.as_array().unwrap().iter().filter_map(|mutation| mutation["remove"].as_str()).collect();
    for name in certgate_core::domain::headers::ALWAYS_OWNED.into_iter().chain(["x-consumer", "x-teams"]) {
        assert!(removed.contains(&name), "{name}");
    }
    let identified = &rbac(&run).unwrap()["rules"]["policies"]["identified"]["permissions"][0];
    assert_eq!(identified["header"], json!({"name": "x-consumer", "present_match": true}));
    assert!(run.out.contains("%REQ(X-CONSUMER)%") && !run.out.contains("%REQ(X-CLIENT-ALIAS)%"));
    assert_eq!(tagged(&manager, "certgate.client.alias"), "x-consumer");
    assert!(istio(&registry).out.contains("request.headers[x-consumer]"));
    let run = envoy_gateway(&registry);
    assert!(run.out.contains(r#"\"x-consumer\" in request.headers"#) && run.out.contains("- x-teams"), "{}", run.out);
}

/// The header that a tag of spans reads.
fn tagged(manager: &Value, tag: &str) -> String {
    let tags = manager["tracing"]["custom_tags"].as_array().unwrap();
    tags.iter().find(|known| known["tag"] == tag).unwrap()["request_header"]["name"].as_str().unwrap().to_owned()
}

#[test]
fn headers_that_have_each_others_names_are_not_mistaken() {
    let registry =
        json!({"version": 1, "headers": {"alias": "x-client-tier", "tier": "x-client-alias"}, "clients": []});
    let run = envoy(&registry.to_string());
    let manager = manager(&run);
    let said = &manager["access_log"][0]["typed_config"]["log_format"]["json_format"];
    let said = [&said["certgate.client.alias"], &said["certgate.tier"]];
    assert_eq!(said, ["%REQ(X-CLIENT-TIER)%", "%REQ(X-CLIENT-ALIAS)%"]);
    assert_eq!(tagged(&manager, "certgate.client.alias"), "x-client-tier");
    assert_eq!(tagged(&manager, "certgate.tier"), "x-client-alias");
    let routes = &manager["route_config"]["virtual_hosts"][0]["routes"];
    assert_eq!(routes[0]["match"]["headers"][0]["name"], "x-client-alias");
}

#[test]
fn what_another_proxy_says_of_clients_is_forwarded_only_where_it_counts() {
    let xfcc = json!({"version": 1, "clients": [], "identity": {"source": "xfcc", "trusted_relays": [{"uri_san": "spiffe://a/b"}]}});
    for (registry, in_envoy, in_istio, in_envoy_gateway) in [
        (json!({"version": 1, "clients": []}), "SANITIZE", "SANITIZE_SET", "Sanitize"),
        (xfcc, "FORWARD_ONLY", "FORWARD_ONLY", "ForwardOnly"),
    ] {
        let text = registry.to_string();
        let watching = render(&[&["envoy", "--watch", "a/b.yaml"], &FILES[..]].concat(), &text);
        for run in [envoy(&text), watching] {
            assert_eq!(manager(&run)["forward_client_cert_details"], in_envoy);
        }
        assert!(istio(&text).out.contains(&format!("forward_client_cert_details: {in_istio}\n")));
        assert!(envoy_gateway(&text).out.contains(&format!("mode: {in_envoy_gateway}\n")));
    }
}
