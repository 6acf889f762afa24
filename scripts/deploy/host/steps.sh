# shellcheck shell=bash
# What a change on the host is made of. Whoever sources this ends through `conclude`: done, or as if nothing had been.
# Progress goes to standard error, which is a log; results go to standard output as `key=value`.

set -euo pipefail
trap '' HUP PIPE
trap 'exit 143' TERM
trap 'conclude $?' EXIT

host_scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=releases.sh
. "$host_scripts/releases.sh"
NAME=toss-mtls-proxy
# For how long the workers may take to serve once PM2 has started them. For the first one it is less: PM2 has waited for
# it already.
SERVING_WITHIN_S=30
FIRST_WITHIN_S=10

began=$(date +%s%N)
step='the beginning'
reason=''
before='' before_previous=''
switched=no
unfinished=''

say() { printf '%s\n' "$*" >&2; }
fail() {
  reason=$*
  exit 1
}
seconds_since() { awk "BEGIN { printf \"%.1f\", ($(date +%s%N) - $1) / 1e9 }"; }

# run_step NAME COMMAND…: one line of progress, with its seconds.
run_step() {
  step=$1
  shift
  local at
  at=$(date +%s%N)
  "$@"
  say "$step: $(seconds_since "$at") s"
  printf 'seconds_%s=%s\n' "${step// /_}" "$(seconds_since "$at")"
}

# Runs a command without the environment of whoever is logged in, and without holding the lock.
clean() {
  env -i PATH="$PATH" HOME="$HOME" LANG="${LANG:-C.UTF-8}" ${PM2_HOME:+PM2_HOME="$PM2_HOME"} "$@" 9>&-
}

# quietly COMMAND…: shows what a command says only if it fails.
quietly() {
  local output
  if ! output=$("$@" 2>&1); then
    printf '%s\n' "$output" | tail -n 40 >&2
    return 1
  fi
}

# PM2 does not run from a release, since releases are removed while it runs.
pm2() { (cd "$ROOT" && clean "$ROOT/pm2/node_modules/.bin/pm2" --no-color "$@"); }
pm2_runs() {
  local pid
  pid=$(cat "${PM2_HOME:-$HOME/.pm2}/pm2.pid" 2>/dev/null) && grep --quiet 'God Daemon' "/proc/$pid/cmdline" 2>/dev/null
}

release_of() {
  if [[ -L $ROOT/$1 ]]; then basename "$(readlink "$ROOT/$1")"; fi
}

# point LINK VERSION: in one atomic step; without a version the link goes.
point() {
  if [[ -z $2 ]]; then
    rm -f "$ROOT/$1"
  else
    ln -sfn "releases/$2" "$ROOT/.$1.new"
    mv -T "$ROOT/.$1.new" "$ROOT/$1"
  fi
}

check_host() {
  local node free_mb
  command -v node >/dev/null || fail 'Node.js is not on this host. Run scripts/deploy/bootstrap first.'
  node=$(node -p 'const [a, b] = process.versions.node.split(".").map(Number); a > 20 || (a === 20 && b >= 19)')
  [[ $node == true ]] || fail "Node.js $(node --version) on this host is too old. Run scripts/deploy/bootstrap."
  free_mb=$(df -Pm "$ROOT" | awk 'NR == 2 { print $4 }')
  ((free_mb >= 250)) || fail "Only $free_mb MB are free in $ROOT, and a release may take 250. Make room on the host's disk."
  before=$(release_of current)
  before_previous=$(release_of previous)
}

# examine DIRECTORY: the doctor, with this release and its .env.
examine() {
  local report
  if ! report=$(cd "$1" && clean timeout 120 node dist/doctor.js 2>&1); then
    say "$report"
    fail "the doctor says: $(grep -m 1 '✗' <<<"$report" | awk '{ $1 = $1; print }')"
  fi
}

# try_out DIRECTORY VERSION: this release as one process of its own, which nobody calls.
try_out() {
  clean timeout 90 node "$host_scripts/try.mjs" "$1" "$2" 2>"$WORK/try.error" ||
    fail "tried by itself, $(tail -n 1 "$WORK/try.error")"
}

# link_packages FROM TO: the packages in hard links, since nothing writes into them; but not the service's own cache of what
# V8 has compiled, which is written while it runs.
link_packages() {
  mkdir -p "$2/node_modules"
  find "$1/node_modules" -mindepth 1 -maxdepth 1 ! -name .cache -exec cp -al -t "$2/node_modules" {} +
}

# Takes PM2 out of a release. A PM2 that runs is left alone, since its end is the end of what it runs.
provide_pm2() {
  local wanted had=''
  wanted=$(node -p "require('$1/node_modules/pm2/package.json').version")
  if [[ -L $ROOT/pm2 ]]; then had=$(basename "$(readlink "$ROOT/pm2")"); fi
  if [[ $had != "pm2-$wanted" && -n $had ]] && pm2_runs; then
    say "PM2 runs as $had; the release brings $wanted. It is taken by the first deploy that finds PM2 stopped (pm2 kill)."
  elif [[ $had != "pm2-$wanted" ]]; then
    rm -rf "$ROOT/tools/pm2-$wanted"
    link_packages "$1" "$ROOT/tools/pm2-$wanted"
    ln -sfn "tools/pm2-$wanted" "$ROOT/.pm2.new"
    mv -T "$ROOT/.pm2.new" "$ROOT/pm2"
    find "$ROOT/tools" -mindepth 1 -maxdepth 1 ! -name "pm2-$wanted" -exec rm -rf {} +
  fi
  if ! pm2_runs && [[ -e $ROOT/unit ]]; then
    # As a service of the machine it outlives this login, and comes back by itself.
    quietly sudo -n systemctl start "$(<"$ROOT/unit")" || fail "systemctl start $(<"$ROOT/unit") failed. Run scripts/deploy/bootstrap."
  fi
}

# What the service has written to standard error since `serve` began: such as why it cannot listen.
error_log=${PM2_HOME:-$HOME/.pm2}/logs/$NAME-error.log
errors_before=0
last_error() {
  local text
  text=$(tail -c "+$((errors_before + 1))" "$error_log" 2>/dev/null | tail -n 1)
  if [[ -n $text ]]; then printf '. It says: %s' "$text"; fi
}

workers() { clean node "$host_scripts/workers.mjs" "$ROOT" "$NAME" "$@"; }

# reload: first one worker, then, if it is well, all of them. The others serve meanwhile.
reload() {
  local first
  first=$(workers first)
  if [[ -n $first ]]; then
    quietly clean node "$host_scripts/reload-worker.mjs" "$ROOT" "$first" || fail 'PM2 could not reload the first worker'
    workers verify "$1" --worker "$first" --within "$FIRST_WITHIN_S" 2>"$WORK/verify.error" ||
      fail "the first worker did not serve: $(tail -n 1 "$WORK/verify.error")$(last_error)"
  fi
  quietly pm2 startOrReload "$ROOT/current/ecosystem.config.js" || fail 'PM2 could not start or reload the workers'
  scale || fail 'PM2 could not change the number of workers'
}

# scale: as many workers as the ecosystem file wants now. PM2 reloads those that are there, however many that is.
scale() {
  local wanted id count=0
  wanted=$(cd "$ROOT/current" &&
    clean node -e 'import("./ecosystem.config.js").then(({ apps: [{ instances }] }) => console.log(instances))') || return
  # PM2 knows other words, such as "max".
  [[ $wanted =~ ^[1-9][0-9]*$ ]] || return 0
  for id in $(workers ids); do
    count=$((count + 1))
    if ((count > wanted)); then quietly pm2 delete "$id" || return; fi
  done
  if ((count < wanted)); then quietly pm2 scale "$NAME" "$wanted"; fi
}

verify() {
  workers verify "$1" --within "$SERVING_WITHIN_S" 2>"$WORK/verify.error" ||
    fail "$(tail -n 1 "$WORK/verify.error")$(last_error)"
}

# serve VERSION: from here on this release is the one that serves, or `conclude` brings back the one before.
serve() {
  errors_before=$(stat -c %s "$error_log" 2>/dev/null || echo 0)
  switched=yes
  if [[ -n $before && $before != "$1" ]]; then point previous "$before"; fi
  point current "$1"
  run_step reload reload "$1"
  run_step verify verify "$1"
  quietly pm2 save --force || fail 'PM2 could not save its list of processes'
  switched=no
}

# restore VERSION: brings a release back after another has failed. No version: nothing ran before, and nothing does now.
restore() {
  local worker
  point current "$1"
  if [[ -z $1 ]]; then
    quietly pm2 delete "$NAME" || true
    quietly pm2 save --force || true
    return 0
  fi
  # PM2 does not reload what is not running; a worker that waits for its next try is stopped, and then started.
  for worker in $(workers stranded); do quietly pm2 stop "$worker" || true; done
  quietly pm2 startOrReload "$ROOT/current/ecosystem.config.js" || true
  scale || true
  if ! workers verify "$1" --within "$SERVING_WITHIN_S" 2>"$WORK/verify.error"; then
    say "$(tail -n 1 "$WORK/verify.error"). Starting the workers anew."
    quietly pm2 delete "$NAME" || true
    quietly pm2 start "$ROOT/current/ecosystem.config.js" || true
    workers verify "$1" --within "$SERVING_WITHIN_S" || return 1
  fi
  quietly pm2 save --force
}

# conclude STATUS: the end of every change.
conclude() {
  local status=$1 at
  trap - EXIT
  # This must come to its end, whatever fails on the way.
  set +e
  if ((status != 0)); then
    reason=${reason:-"the step \"$step\" failed"}
    say "Failed: $reason"
    if [[ $switched == yes ]]; then
      at=$(date +%s%N)
      if restore "$before"; then
        point previous "$before_previous"
        say "Rolled back to ${before:-nothing, as it was before} in $(seconds_since "$at") s."
      else
        reason+="; AND ${before:-the release before} DOES NOT SERVE EITHER: run scripts/deploy/status and scripts/deploy/logs"
        say "Failed: $reason"
      fi
    elif [[ -n $before ]]; then
      say "Nothing was switched: $before serves as before."
    fi
    if [[ -n $unfinished ]]; then rm -rf "$unfinished"; fi
    take_dotenv_back
    printf 'reason=%s\n' "$reason"
  fi
  printf 'seconds=%s\n' "$(seconds_since "$began")"
  rm -rf "$WORK"
  # Only this log tells of the end when the connection broke.
  if ((status == 0)); then say 'Done.'; fi
  exit "$status"
}
