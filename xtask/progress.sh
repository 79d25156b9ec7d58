#!/usr/bin/env bash
# Runs a command and says every three seconds how far it is:
#
#     progress.sh NAME COMMAND [ARGUMENT...]
#
# Of a Cargo it says how many crates of how many are built, and which crates are being built. Of a download into the folder
# FOLDER it says the size so far. Other lines of the command, such as errors, come through as they are.
set -euo pipefail

name=$1
shift
export CARGO_TERM_PROGRESS_WHEN=always CARGO_TERM_PROGRESS_WIDTH=100

# The last state that Cargo has drawn, without its bar: `Building 12/37: syn, serde`.
state=
said=$SECONDS

say() {
  local at=$state
  [ -z "${FOLDER:-}" ] || at="$(du -sm "$FOLDER" 2>/dev/null | cut -f1) MB"
  echo "$name: ${at:-working} ($SECONDS s)" >&2
  said=$SECONDS
}

# A whole line. Each crate is in the states as well.
line() {
  case $1 in
    '   Compiling '* | '    Finished '* | '') ;;
    *) echo "$1" >&2; said=$SECONDS ;;
  esac
}

follow() {
  local pending= part ended
  while :; do
    ended=0
    IFS= read -r -t 1 -d $'\r' part || ended=$?
    pending+=$part
    while [[ $pending == *$'\n'* ]]; do
      line "${pending%%$'\n'*}"
      pending=${pending#*$'\n'}
    done
    if [ "$ended" = 0 ]; then
      read -r state <<<"${pending/\[*\] /}"
      pending=
    elif [ "$ended" -lt 128 ]; then
      line "$pending"
      return
    fi
    [ $((SECONDS - said)) -lt 3 ] || say
  done
}

"$@" 2>&1 | follow
[ "$SECONDS" -lt 3 ] || echo "$name: done ($SECONDS s)" >&2
