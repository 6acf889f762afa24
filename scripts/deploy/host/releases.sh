# shellcheck shell=bash
# Which releases the host keeps, and which of them has a .env. Sourced by steps.sh.

# How many releases are kept.
KEPT=5

# The release whose .env is not its own yet.
lent=''

# lend_dotenv RELEASE: it gets the .env of now, since a renewed certificate is not rolled back. Unless it comes to serve,
# `conclude` gives it back its own, which may hold the certificate that is needed next.
lend_dotenv() {
  if [[ -e $1/.env ]]; then ln "$1/.env" "$WORK/dotenv.own"; fi
  lent=$1
  cp "$ROOT/current/.env" "$1/.env.new"
  chmod 600 "$1/.env.new"
  mv "$1/.env.new" "$1/.env"
}

take_dotenv_back() {
  if [[ -z $lent ]]; then return; fi
  rm -f "$lent/.env.new"
  if [[ -e $WORK/dotenv.own ]]; then mv -f "$WORK/dotenv.own" "$lent/.env"; else rm -f "$lent/.env"; fi
}

# forget_secrets: only the release that serves and the one before it keep a .env.
forget_secrets() {
  local directory status=0
  for directory in "$ROOT"/releases/*/; do
    case $(basename "$directory") in
      "$(release_of current)" | "$(release_of previous)") ;;
      *) rm -f "$directory/.env" || status=1 ;;
    esac
  done
  return "$status"
}

# versions: those that are here, newest first, by the time after the plus sign.
versions() { find "$ROOT/releases" -mindepth 1 -maxdepth 1 -type d -name '[!.]*' -printf '%f\n' | sort -t + -k 2,2r; }

prune() {
  local version count=0 status=0
  for version in $(versions); do
    count=$((count + 1))
    if ((count <= KEPT)) || [[ $version == "$(release_of current)" || $version == "$(release_of previous)" ]]; then continue; fi
    rm -rf "${ROOT:?}/releases/$version" || status=1
  done
  forget_secrets || status=1
  find "$ROOT/deploys" -name '*.log' -printf '%f\n' | sort -r | tail -n +51 | while read -r version; do rm -f "$ROOT/deploys/$version"; done || status=1
  return "$status"
}

# tidily COMMAND: what follows a change that has succeeded, and cannot make it fail any more.
tidily() { "$@" || say 'Not all that is old could be removed: see above. Secrets may be left in releases/*/.env.'; }
