#!/usr/bin/env bash
# On the host: makes the uploaded release serve, or leaves everything as it was. deploy.sh WORK VERSION
WORK=$1 version=$2
# shellcheck source-path=SCRIPTDIR source=steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

release=$ROOT/releases/$version
new=$ROOT/releases/.$version

unpack() {
  # What a machine that went down in the middle has left.
  find "$ROOT" -mindepth 1 -maxdepth 1 -name '.incoming.*' ! -path "$WORK" -exec rm -rf {} +
  find "$ROOT/releases" -mindepth 1 -maxdepth 1 -name '.*' -exec rm -rf {} +
  [[ ! -e $release ]] || fail "$version is on the host already"
  unfinished=$new
  mkdir "$new"
  tar -C "$new" -xzf "$WORK/upload/release.tgz"
  mv "$WORK/upload/dotenv" "$new/.env"
  chmod 600 "$new/.env"
}

# The dependencies of the release that serves, if they are the same ones made by the same Node.
install_dependencies() {
  local made_from
  made_from="$(node --version) $(sha256sum <"$new/package-lock.json")"
  if [[ $(cat "$ROOT/current/node_modules/.made-from" 2>/dev/null) == "$made_from" ]]; then
    link_packages "$(readlink -f "$ROOT/current")" "$new"
    return
  fi
  (cd "$new" && quietly clean timeout 600 npm ci --omit=dev --ignore-scripts --no-audit --no-fund --prefer-offline) ||
    fail 'npm ci failed on the host. Does it reach the npm registry?'
  printf '%s\n' "$made_from" >"$new/node_modules/.made-from"
}

mkdir -p "$ROOT/releases"
check_host
printf 'version=%s\nprevious=%s\n' "$version" "$before"
run_step unpack unpack
run_step dependencies install_dependencies
run_step doctor examine "$new"
run_step 'try it out' try_out "$new" "$version"
run_step PM2 provide_pm2 "$new"
mv -T "$new" "$release"
unfinished=$release
serve "$version"
unfinished=''
tidily prune
