#!/usr/bin/env bash
# On the host: what serves, what is there, and how the last changes ended.
set -euo pipefail
NAME=toss-mtls-proxy
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
link() { if [[ -L $ROOT/$1 ]]; then basename "$(readlink "$ROOT/$1")"; else echo none; fi; }

printf 'current:  %s\nprevious: %s\n' "$(link current)" "$(link previous)"
if [[ -s $ROOT/lock ]] && ! flock -n "$ROOT/lock" true; then printf 'now:      %s\n' "$(<"$ROOT/lock")"; fi
if [[ -L $ROOT/current ]]; then
  printf '\nWorkers:\n'
  node "$here/workers.mjs" "$ROOT" "$NAME" list || true
  printf '\nDoctor:\n'
  (cd "$ROOT/current" && timeout 120 node dist/doctor.js) || true
  printf '\nReleases, newest first:\n'
  find "$ROOT/releases" -mindepth 1 -maxdepth 1 -type d -name '[!.]*' -printf '%f\n' | sort -t + -k 2,2r
fi
if [[ ! -d $ROOT/deploys ]]; then
  printf '\nNothing was deployed here yet.\n'
  exit
fi
printf '\nLast changes:\n'
find "$ROOT/deploys" -name '*.log' | sort | tail -n 5 | while read -r log; do
  printf '%s: %s\n' "$(basename "$log" .log)" "$(tail -n 1 "$log")"
done
