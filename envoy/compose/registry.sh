#!/bin/sh
# Makes of registry.yaml, which people edit, the file that Envoy watches: once, or with `watch` whenever it has changed.
#
# Envoy wants the registry inside a resource of its own, and looks again when a file is renamed into the folder that it
# watches. Editors save in many ways, so this looks at the text instead, and on machines where Docker lives in a virtual
# machine it needs no notice from there.
set -eu
umask 022

MINE=/compose/registry.yaml
LIVE=/registry/registry-ecds.yaml
PARTNER_A=/registry/partner-a
# What stands in registry.yaml for the fingerprint of a certificate that is made when all this is first started.
STAND_IN=aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa:aa

resource() {
  cat <<RESOURCE
resources:
  - "@type": type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig
    name: certgate
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
      config:
        vm_config:
          vm_id: certgate
          runtime: envoy.wasm.runtime.v8
          code: {local: {filename: /certgate/certgate.wasm}}
        root_id: certgate
        name: certgate
        # A trap costs its own request a 503, and the worker a new VM.
        failure_policy: FAIL_RELOAD
        configuration:
          "@type": type.googleapis.com/google.protobuf.Struct
          value:
RESOURCE
  sed -e "s/$STAND_IN/$(cat $PARTNER_A)/" -e 's/^/            /' $MINE
}

hand_over() {
  new=$(mktemp /registry/new.XXXXXX)
  if ! resource >"$new" || cmp -s "$new" $LIVE; then
    rm "$new"
    return
  fi
  chmod 444 "$new"
  mv -f "$new" $LIVE
  echo "registry: registry.yaml is with Envoy; should Envoy refuse it, its log says why, and the one before stays in force"
}

hand_over
[ "${1-}" = watch ] || exit 0
# A shell that is process 1 does not end on a signal unless it says so.
trap 'exit 0' TERM INT
before=
while sleep 1; do
  # An editor may have written half of it. Nor is anything handed over that says nothing.
  now=$(cat $MINE || true)
  if [ -n "$now" ] && [ "$now" = "$before" ]; then
    hand_over
  fi
  before=$now
done
