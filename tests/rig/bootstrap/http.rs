//! What a test's Envoy does in HTTP: which headers, trailers and upgrades it accepts, and how it routes.

use super::{Bootstrap, TYPE};
use serde_json::{Value, json};

impl Bootstrap {
    /// Accepting header names with underscores, as Envoy does where it is not told otherwise.
    pub fn allow_underscores(self) -> Self {
        self.edit(|manager| manager["common_http_protocol_options"]["headers_with_underscores_action"] = json!("ALLOW"))
    }

    /// Passing trailers on over HTTP/1.1 too.
    pub fn http1_trailers(self) -> Self {
        let options = json!({"enable_trailers": true});
        self.edit(|manager| manager["http_protocol_options"] = options.clone())
            .upstream_protocol(&json!({"http_protocol_options": options}))
    }

    /// Speaking HTTP/2 to the upstreams.
    pub fn upstream_http2(self) -> Self {
        self.upstream_protocol(&json!({"http2_protocol_options": {}}))
    }

    fn upstream_protocol(mut self, protocol: &Value) -> Self {
        for name in ["default", "gold"] {
            self.cluster(name)["typed_extension_protocol_options"] = json!({
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": format!("{TYPE}envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
                    "explicit_http_config": protocol,
                },
            });
        }
        self
    }

    /// Accepting so many header lines, with so many kilobytes in all, on both sides.
    pub fn large_headers(mut self, lines: u32, kilobytes: u32) -> Self {
        for name in ["default", "gold"] {
            let cluster = self.cluster(name);
            cluster["per_connection_buffer_limit_bytes"] = json!(kilobytes * 2048);
        }
        self.listener()["per_connection_buffer_limit_bytes"] = json!(kilobytes * 2048);
        self.edit(|connection_manager| {
            connection_manager["max_request_headers_kb"] = json!(kilobytes);
            connection_manager["common_http_protocol_options"]["max_headers_count"] = json!(lines);
        })
    }

    /// Allowing WebSocket upgrades.
    pub fn websocket(self) -> Self {
        self.edit(|connection_manager| connection_manager["upgrade_configs"] = json!([{"upgrade_type": "websocket"}]))
    }

    /// Allowing WebSocket upgrades, and ending CONNECT tunnels here: what comes through them goes to the upstream as it is.
    pub fn tunnels(self) -> Self {
        self.websocket().edit(|connection_manager| {
            let upgrades = connection_manager["upgrade_configs"].as_array_mut().expect("upgrades");
            upgrades.push(json!({"upgrade_type": "CONNECT"}));
            let routes =
                connection_manager["route_config"]["virtual_hosts"][0]["routes"].as_array_mut().expect("routes");
            let tunnel = json!({
                "match": {"connect_matcher": {}},
                "route": {"cluster": "default", "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}]},
            });
            routes.insert(0, tunnel);
        })
    }

    /// Following redirects (302 to an absolute `https:` URL) of the upstreams itself.
    pub fn internal_redirects(self) -> Self {
        self.edit(|connection_manager| {
            for route in
                connection_manager["route_config"]["virtual_hosts"][0]["routes"].as_array_mut().expect("routes")
            {
                route["route"]["internal_redirect_policy"] = json!({"max_internal_redirects": 3});
            }
        })
    }

    /// Answering by itself instead of asking an upstream.
    pub fn direct_response(self, status: u16, body: &str) -> Self {
        let routes = json!([{
            "match": {"prefix": "/"},
            "direct_response": {"status": status, "body": {"inline_string": body}},
        }]);
        self.edit(|connection_manager| {
            let config = &mut connection_manager["route_config"];
            config["max_direct_response_body_size_bytes"] = json!(body.len().max(1));
            config["virtual_hosts"][0]["routes"] = routes;
        })
    }
}
