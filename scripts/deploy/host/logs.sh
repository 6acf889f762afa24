#!/usr/bin/env bash
# On the host: the end of the log. logs.sh LINES [--follow]
# The workers of a cluster share the standard output of PM2, so their lines are in its own log; what they write to
# standard error, such as why one cannot start, is in a file of the service.
set -euo pipefail
home=${PM2_HOME:-$HOME/.pm2}
files=("$home/pm2.log" "$home"/logs/toss-mtls-proxy-*.log)
if [[ ! -e ${files[0]} ]]; then
  echo "There is no log in $home: nothing was deployed for this user yet." >&2
  exit 1
fi
if [[ ${2:-} == --follow ]]; then exec tail -q -n "$1" -F "${files[@]}"; fi
tail -q -n "$1" "${files[@]}"
