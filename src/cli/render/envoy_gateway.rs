//! Envoy Gateway: manifests for one Gateway.

use super::Problem;
use super::cel::{expression, is_taken, literal};
use super::guard::Guard;
use super::layout::{fill, scalar, yaml};
use super::registry::Registry;
use certgate_core::domain::identity::Source;
use certgate_core::domain::policy::Policy;
use serde_json::json;

/// The longest expression that Envoy Gateway takes.
const LONGEST_EXPRESSION: usize = 4096;

const TEMPLATE: &str = r#"# certgate in Envoy Gateway (1.9 or later), as `certgate render --to envoy-gateway` makes it from a registry: apply all of
# it, and render it again when the registry changes.
#
# These policies are attached to a Gateway. A policy of the same kind on one of its routes or listeners takes their place
# there: an EnvoyExtensionPolicy then lets requests pass without certgate, and a SecurityPolicy without the guard. Whoever
# may attach policies to routes has to be trusted not to, or given roles that do not allow it.

# The filter. Envoy Gateway pulls the image, compares its digest with sha256, and hands it to Envoy.
#
# Each EnvoyExtensionPolicy has a vm_id of its own, made from its name, and so buckets of its own: a client that is
# limited by two policies, or by one that was renamed, has its limits in each. Keep to one policy for a Gateway.
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyExtensionPolicy
metadata:
  name: {{name}}
  namespace: {{namespace}}
spec:
  targetRefs:
    - {{target}}
  wasm:
    - name: {{name}}
      rootID: {{name}}
      code:
        type: Image
        image:
          url: {{image}}
          sha256: {{sha256}}
      # A filter that has failed answers 503. Where a worker cannot take a configuration up at all, Envoy skips it all the
      # same: for that there is the guard.
      failOpen: false
      # The registry, as `certgate check` reads it. The listener validates each client certificate, hence `chain: listener`.
      config:
        {{registry}}
---
# Client certificates, and the guard, part one: before any filter, Envoy removes all headers that are certgate's, should
# certgate ever be skipped.
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: ClientTrafficPolicy
metadata:
  name: {{name}}
  namespace: {{namespace}}
spec:
  targetRefs:
    - {{target}}
  tls:
    clientValidation:
      # A caller without a certificate gets as far as certgate, which answers 403 and counts it, and to what is public.
      # RequireAndVerify ends its handshake.
      mode: VerifyIfGiven
      # Who signs the clients' certificates: ca.crt in this ConfigMap.
      caCertificateRefs:
        - {group: "", kind: ConfigMap, name: {{ca}}}
  # One spelling of each path.
  path:
    escapedSlashesAction: RejectRequest
  headers:
    # Without a dot at its end, a host finds its routes; Envoy Gateway has them leave out the port.
    host:
      stripTrailingHostDot: true
    xForwardedClientCert:
      mode: {{forward}}
    # Many a service reads x_client_alias as x-client-alias.
    withUnderscoresAction: RejectRequest
    earlyRequestHeaders:
      remove:
        {{removed}}
      # Other spellings of these names, which many a service reads as the same.
      removeOnMatch:
        {{look_alikes}}
"#;

const SECURITY: &str = r#"---
# The guard, part two: what certgate let through has an alias, or needs none; nothing else gets through. Envoy Gateway puts
# authorization behind Wasm: do not change that order (`filterOrder` of an EnvoyProxy).
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: SecurityPolicy
metadata:
  name: {{name}}
  namespace: {{namespace}}
spec:
  targetRefs:
    - {{target}}
  authorization:
    defaultAction: Deny
    rules:
      {{rules}}
"#;

const NO_ALIAS: &str = "\
---
# There is no second part of the guard: without an alias header (`headers.alias: null`) nothing tells that certgate was
# skipped.
";

const SHADOW: &str = "\
---
# There is no second part of the guard: the registry says `mode: shadow`, and a SecurityPolicy cannot only count what it
# would refuse. Render this again once it says `mode: enforce`.
";

/// What the registry does not say.
pub(super) struct Place<'a> {
    pub(super) name: &'a str,
    pub(super) namespace: &'a str,
    pub(super) gateway: &'a str,
    pub(super) ca: &'a str,
    pub(super) image: &'a str,
    pub(super) sha256: &'a str,
}

/// The manifests, and what is to be said of them.
pub(super) fn manifests(
    registry: &Registry,
    guard: &Guard,
    policy: &Policy,
    place: &Place<'_>,
) -> Result<(String, Vec<String>), Problem> {
    let mut warnings = Vec::new();
    let target = format!("{{group: gateway.networking.k8s.io, kind: Gateway, name: {}}}", scalar(place.gateway));
    let forward = match policy.identity.source {
        Source::Connection => "Sanitize",
        Source::Xfcc(_) => "ForwardOnly",
    };
    let (name, namespace) = (scalar(place.name), scalar(place.namespace));
    // Envoy Gateway puts the scheme before it itself.
    let image = scalar(place.image.trim_start_matches("oci://"));
    let sha256 = json!(place.sha256).to_string();
    let registry = yaml(registry)?;
    let removed = yaml(&guard.removed)?;
    let look_alike = |regex: &String| json!({"type": "RegularExpression", "value": regex});
    let look_alikes = yaml(&guard.look_alikes.iter().map(look_alike).collect::<Vec<_>>())?;
    let ca = scalar(place.ca);
    let mut values = vec![
        ("name", name.as_str()),
        ("namespace", &namespace),
        ("target", &target),
        ("image", &image),
        ("sha256", &sha256),
        ("registry", &registry),
        ("ca", &ca),
        ("forward", forward),
        ("removed", &removed),
        ("look_alikes", &look_alikes),
    ];
    let mut text = fill(TEMPLATE, &values);
    match &guard.alias {
        None => text += NO_ALIAS,
        Some(_) if guard.shadow => {
            warnings.push(
                "mode is shadow, which a SecurityPolicy does not know: the guard's second part is left out".to_owned(),
            );
            text += SHADOW;
        }
        Some(alias) => {
            let mut rules = vec![json!({
                "name": "identified",
                "action": "Allow",
                "cel": format!("{} in request.headers", literal(alias)),
            })];
            for exception in &guard.exceptions {
                let cel = expression(&exception.condition);
                if cel.len() > LONGEST_EXPRESSION || !is_taken(&exception.condition) {
                    warnings.push(format!(
                        "{}: too long for Envoy Gateway, so the guard lets nobody through here without a client",
                        exception.name
                    ));
                    continue;
                }
                rules.push(json!({"name": exception.name, "action": "Allow", "cel": cel}));
            }
            let rules = yaml(&rules)?;
            values.push(("rules", &rules));
            text += &fill(SECURITY, &values);
        }
    }
    if policy.rules.rules().iter().any(|rule| rule.bound_token) {
        warnings.push("bound_token: name the JWT provider of a SecurityPolicy `certgate`, so that its tokens are where certgate looks for them; that policy must have the guard's rules too".to_owned());
    }
    Ok((text, warnings))
}
