#!/bin/sh
# Makes what is missing, or ends within thirty days, of: an authority, the server's certificate, those of the clients in
# registry.yaml, and of each further client that is named. Then renders the registry for Envoy, if nothing has done so yet.
#
#     docker-compose run --rm certificates carol
#
# A certificate or key appears under its name only when it is whole. Keys can be read by their owners alone: the server's
# by Envoy's user, all others by root.
set -eu
umask 077

ENVOY_USER=65532
CLIENTS="partner-a partner-b"

# Whether this certificate is there, signed by the authority in force, and holds for thirty days.
holds() { # certificate
  openssl verify -CAfile /authority/ca.pem "$1" >/dev/null 2>&1 && openssl x509 -in "$1" -noout -checkend 2592000 >/dev/null
}

# A new key, and its certificate, whose extensions are read from standard input; then both in their places.
make() { # place, common name, owner of the key, who signs
  place=$1 name=$2 owner=$3
  shift 3
  echo "certificates: $place.pem"
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$place.key.new"
  openssl pkey -in "$place.key.new" -pubout -out "$place.pub.new"
  openssl x509 -new -subj "/O=certgate example/CN=$name" -days 365 -extfile /dev/stdin \
    -force_pubkey "$place.pub.new" "$@" -out "$place.pem.new"
  rm "$place.pub.new"
  chmod 400 "$place.key.new"
  chmod 444 "$place.pem.new"
  [ "$owner" = 0 ] || chown "$owner" "$place.key.new"
  mv "$place.key.new" "$place.key"
  mv "$place.pem.new" "$place.pem"
}

signed() {
  make "$@" -CA /authority/ca.pem -CAkey /authority/ca.key
}

client() { # name
  holds "/clients/$1.pem" || signed "/clients/$1" "$1" 0 <<EXTENSIONS
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
subjectAltName = URI:spiffe://example.org/client/$1
EXTENSIONS
}

for name in "$@"; do
  case $name in
    "" | *[!a-z0-9-]* | server | ca) echo "certificates: a client's name is of a-z, 0-9 and -, not: $name" >&2; exit 1 ;;
  esac
done

chmod 755 /server /clients
holds /authority/ca.pem || make /authority/ca "certgate example CA" 0 -key /authority/ca.key.new <<EXTENSIONS
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
EXTENSIONS
for place in /server /clients; do
  cmp -s /authority/ca.pem $place/ca.pem || { cat /authority/ca.pem >$place/ca.new; chmod 444 $place/ca.new; mv $place/ca.new $place/ca.pem; }
done
holds /server/server.pem || signed /server/server localhost $ENVOY_USER <<EXTENSIONS
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, DNS:envoy, IP:127.0.0.1
EXTENSIONS
for name in $CLIENTS "$@"; do
  client "$name"
done

# The watching service, which is not root, and this one both write here.
chown 0:0 /registry
chmod 775 /registry
chown $ENVOY_USER:0 /registry
# Envoy does not start without this file; later the service `registry` keeps it up to date.
if [ ! -e /registry/registry-ecds.yaml ]; then
  certgate render ecds --module /certgate/certgate.wasm /compose/registry.yaml >/registry/first.new
  chmod 444 /registry/first.new
  mv /registry/first.new /registry/registry-ecds.yaml
fi

for name in "$@"; do
  fingerprint=$(openssl x509 -in "/clients/$name.pem" -noout -fingerprint -sha256 | sed 's/.*=//')
  echo "certificates: an entry for envoy/compose/registry.yaml, under clients:"
  echo "  - {alias: $name, tier: bronze, credentials: [{sha256: \"$fingerprint\"}]}"
done
