#!/usr/bin/env bash
# Checks that the demo can have its port, before anything is built: port.sh PORT GOAL. If not, says which process has the
# port and how `make GOAL` takes another.
set -euo pipefail

port=$1 goal=${2:-run}
if ! [[ $port =~ ^[1-9][0-9]{0,4}$ ]] || [ "$port" -gt 65535 ]; then
  echo "DEMO_PORT: expected a port from 1 to 65535, found \`$port\`" >&2
  exit 1
fi

# The inodes of the sockets that listen (state 0A) at this port of 127.0.0.1 or of all addresses.
inodes=$(awk -v port="$(printf '%04X' "$port")" '
  $4 == "0A" && split($2, local, ":") == 2 && local[2] == port && local[1] ~ /^(0100007F|0+)$/ { print $10 }
' /proc/net/tcp /proc/net/tcp6 2>/dev/null || true)
[ -n "$inodes" ] || exit 0

holder="another process"
for inode in $inodes; do
  # Of processes of other users, the kernel shows root alone what they have open.
  found=$(find /proc/[0-9]*/fd -lname "socket:\[$inode\]" -print -quit 2>/dev/null || true)
  if [[ $found =~ ^/proc/([0-9]+)/ ]]; then
    holder="$(cat "/proc/${BASH_REMATCH[1]}/comm") (process ${BASH_REMATCH[1]})"
    break
  fi
done
echo "port $port is taken by $holder: end it, or choose another port: make $goal DEMO_PORT=$((port % 65535 + 1))" >&2
exit 1
