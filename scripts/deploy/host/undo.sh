#!/usr/bin/env bash
# On the host: takes back the last deploy with its .env, after it was found bad from outside. undo.sh WORK VERSION
WORK=$1 version=$2
# shellcheck source-path=SCRIPTDIR source=steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

[[ $(release_of current) == "$version" ]] || fail "$version does not serve any more"
previous=$(release_of previous)
[[ -n $previous && -e $ROOT/releases/$previous/.env ]] || fail "there is no release before $version to go back to"
printf 'version=%s\n' "$previous"
before=$version before_previous=$previous switched=yes
run_step restore restore "$previous"
switched=no
point previous ''
tidily rm -rf "$ROOT/releases/$version"
tidily forget_secrets
