#!/usr/bin/env bash
# On the host: makes an earlier release serve, with the .env of now. rollback.sh WORK VERSION|previous doctor|no-doctor
WORK=$1 version=$2 doctor=$3
# shellcheck source-path=SCRIPTDIR source=steps.sh
. "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

check_host
if [[ $version == previous ]]; then
  version=$(release_of previous)
  [[ -n $version ]] || fail "there is no previous release. Here are: $(versions | tr '\n' ' ')"
fi
release=$ROOT/releases/$version
[[ $version != */* && -e $release/package.json ]] || fail "$version is not on the host. Here are: $(versions | tr '\n' ' ')"
[[ $version != "$before" ]] || fail "$version serves already. Here are: $(versions | tr '\n' ' ')"
printf 'version=%s\nprevious=%s\n' "$version" "$before"
lend_dotenv "$release"
if [[ $doctor == doctor ]]; then run_step doctor examine "$release"; fi
run_step 'try it out' try_out "$release" "$version"
run_step PM2 provide_pm2 "$release"
serve "$version"
lent=''
tidily forget_secrets
