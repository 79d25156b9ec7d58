//! The HTTP connection manager: the certificate header of other proxies, and one spelling for each path and host.

use super::finding::Report;
use super::subject::Around;
use super::value::is_true;
use crate::diagnostic::code::Code;
use crate::envoy_file::Place;
use certgate_core::domain::identity::Source;
use certgate_core::domain::policy::Policy;

/// The names of `ForwardClientCertDetails`.
const FORWARD: [&str; 5] = ["SANITIZE", "FORWARD_ONLY", "APPEND_FORWARD", "SANITIZE_SET", "ALWAYS_FORWARD_ONLY"];

/// The names of `PathWithEscapedSlashesAction`.
const ESCAPED_SLASHES: [&str; 5] = [
    "IMPLEMENTATION_SPECIFIC_DEFAULT",
    "KEEP_UNCHANGED",
    "REJECT_REQUEST",
    "UNESCAPE_AND_REDIRECT",
    "UNESCAPE_AND_FORWARD",
];

/// The findings about the connection manager.
pub(super) fn check<'f>(around: &Around<'f>, policy: Option<&Policy>, report: &mut Report<'_, 'f>) {
    let manager = &around.manager.place;
    check_forwarding(manager, policy, report);
    check_paths(manager, policy, report);
    if policy.is_some_and(|policy| policy.rules.rules().iter().any(|rule| !rule.pattern.hosts.is_empty())) {
        check_hosts(around, report);
    }
    let has_inspector = around.listener.has_listener_filter("TlsInspector");
    if policy.is_some_and(|policy| policy.refuses_misdirected) && !has_inspector {
        let message = "the registry has `misdirected: 421`, and without a tls_inspector Envoy does not know the host \
                       that a connection is made for: certgate refuses no request for another host";
        let help = "add the listener filter envoy.filters.listener.tls_inspector";
        report.error(Code::NoServerName, &around.listener.place, message, help);
    }
    // Behind relays, the header has the address of a relay's client.
    let has_relays = policy.is_some_and(|policy| matches!(policy.identity.source, Source::Xfcc(_)));
    let detects = is_true(manager, "use_remote_address") || manager.get("original_ip_detection_extensions").is_some();
    if !has_relays && !detects {
        let message = "Envoy takes the client's address from `x-forwarded-for`, which every caller can write: the \
                       address in logs proves nothing";
        let help = "set `use_remote_address: true`, and `xff_num_trusted_hops` if proxies stand before this Envoy";
        report.warning(Code::RemoteAddress, manager, message, help);
    }
}

fn check_forwarding<'f>(manager: &Place<'f>, policy: Option<&Policy>, report: &mut Report<'_, 'f>) {
    let mode = manager.choice("forward_client_cert_details", &FORWARD).unwrap_or("SANITIZE");
    let at = manager.get("forward_client_cert_details").unwrap_or_else(|| manager.clone());
    let relays = policy.map(|policy| matches!(policy.identity.source, Source::Xfcc(_)));
    let (message, help) = match (relays, mode) {
        (Some(false), "SANITIZE" | "SANITIZE_SET") | (Some(true), "FORWARD_ONLY") => return,
        (None, "SANITIZE" | "SANITIZE_SET" | "FORWARD_ONLY") => return,
        (Some(true), _) => (
            format!(
                "the registry trusts relays, and with {mode} certgate does not see the client's certificate that a \
                 relay forwards in x-forwarded-client-cert"
            ),
            "set `forward_client_cert_details: FORWARD_ONLY`",
        ),
        _ => (
            format!(
                "with {mode} an upstream gets the x-forwarded-client-cert that a caller has written, as if a proxy had \
                 verified it"
            ),
            "set `forward_client_cert_details: SANITIZE`",
        ),
    };
    report.error(Code::ForwardClientCert, &at, message, help);
}

fn check_paths<'f>(manager: &Place<'f>, policy: Option<&Policy>, report: &mut Report<'_, 'f>) {
    if policy.is_some_and(|policy| policy.rules.rules().iter().all(|rule| rule.pattern.path.is_none())) {
        return;
    }
    let slashes = manager.choice("path_with_escaped_slashes_action", &ESCAPED_SLASHES);
    let is_decided = matches!(slashes, Some("REJECT_REQUEST" | "UNESCAPE_AND_REDIRECT" | "UNESCAPE_AND_FORWARD"));
    let settings = [
        ("normalize_path: true", is_true(manager, "normalize_path")),
        ("merge_slashes: true", is_true(manager, "merge_slashes")),
        ("path_with_escaped_slashes_action: REJECT_REQUEST", is_decided),
    ];
    let missing: Vec<&str> = settings.into_iter().filter(|(_, is_set)| !is_set).map(|(setting, _)| setting).collect();
    if !missing.is_empty() {
        let message = "a path can be spelled in several ways: certgate refuses the unclear ones where rules name \
                       paths, and routes and upstreams may read the others differently";
        let help = format!("set `{}`", missing.join("`, `"));
        report.warning(Code::PathSpellings, manager, message, help);
    }
}

fn check_hosts<'f>(around: &Around<'f>, report: &mut Report<'_, 'f>) {
    let manager = &around.manager.place;
    for routes in around.manager.route_configs() {
        // certgate refuses the empty port, which `strip_any_host_port` leaves.
        let ignores = is_true(&routes, "ignore_port_in_host_matching");
        if !ignores && !is_true(manager, "strip_any_host_port") && tells_ports_apart(&routes) {
            let message = "a rule decides a request for HOST:PORT as one for HOST, and Envoy may route it to another \
                           virtual host: a rule for a public host opens another host";
            let help = "set `ignore_port_in_host_matching: true`, and leave ports out of `domains`";
            report.error(Code::HostPorts, &routes, message, help);
        }
    }
    if !is_true(manager, "strip_trailing_host_dot") {
        let message = "certgate refuses requests whose host ends in a dot, since rules name hosts";
        report.warning(Code::HostDots, manager, message, "set `strip_trailing_host_dot: true`");
    }
}

/// Whether a host with a port may belong to another virtual host than the host without it.
fn tells_ports_apart(routes: &Place<'_>) -> bool {
    let hosts = routes.list("virtual_hosts");
    let mut domains = hosts.iter().flat_map(|host| host.list("domains"));
    let with_port = |domain: &str| domain.ends_with('*') || domain.contains(':');
    hosts.len() > 1 && domains.any(|domain| domain.node.as_str().is_some_and(with_port))
}
