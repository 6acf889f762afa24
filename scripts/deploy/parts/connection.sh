# shellcheck shell=bash
# What the commands of scripts/deploy share on this side: what they need, and the way to the host. They run from anywhere.

deploy_scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
DEPLOY_DIR=${DEPLOY_DIR:-toss-mtls-proxy}

say() { printf '%s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# needs NAME…: names all variables that are missing, at once.
needs() {
  local name missing=''
  for name; do
    if [[ -n ${!name:-} ]]; then continue; fi
    missing+="  $name: $(meaning "$name")"$'\n'
  done
  if [[ -n $missing ]]; then die "Missing in the environment:"$'\n'"${missing%$'\n'}"; fi
}

meaning() {
  case $1 in
    EC2_HOST) echo 'name or address of the host' ;;
    EC2_USER) echo 'whom to log in as: toss-mtls-proxy; for bootstrap an administrator, such as ubuntu or ec2-user' ;;
    EC2_HOST_KEY) echo "the host's public key, such as \"ssh-ed25519 AAAA…\" (on the host: cat /etc/ssh/ssh_host_*_key.pub)" ;;
    DEPLOY_PUBLIC_KEY) echo 'the public half of the SSH key that deploys will use, such as "ssh-ed25519 AAAA…"' ;;
    *) echo 'see docs/deploy-ec2.md' ;;
  esac
}

trimmed() {
  local rest=${1#"${1%%[![:space:]]*}"}
  printf %s "${rest%"${rest##*[![:space:]]}"}"
}

# Makes the private directory $work, which goes when the command ends, and the options of ssh in it.
open_connection() {
  local name
  # What was pasted into a secret often ends with a line break.
  for name in EC2_HOST EC2_USER EC2_PORT DEPLOY_DIR; do printf -v "$name" %s "$(trimmed "${!name:-}")"; done
  needs EC2_HOST EC2_USER EC2_HOST_KEY
  [[ $DEPLOY_DIR =~ ^[A-Za-z0-9._/+@-]+$ ]] || die 'DEPLOY_DIR: only letters, digits and . _ / + @ - may be in it.'
  umask 077
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  mkdir "$work/upload"

  # Every key is known under one name of ours, whatever the host's name and port are.
  if grep --quiet '^[[:space:]]*@' <<<"$EC2_HOST_KEY"; then die 'EC2_HOST_KEY: leave out lines that begin with "@".'; fi
  tr -d '\r' <<<"$EC2_HOST_KEY" | awk '
    /^[[:space:]]*#/ { next }
    { for (i = 1; i < NF; i++) if ($i ~ /^(sk-)?(ssh-(ed25519|rsa)|ecdsa-sha2-nistp[0-9]+)(@openssh\.com)?$/) { print "the-host", $i, $(i + 1); next } }
  ' >"$work/known_hosts"
  if ! ssh-keygen -l -f "$work/known_hosts" >"$work/fingerprints" 2>&1; then
    die 'EC2_HOST_KEY: this holds no public host key. It looks like "ssh-ed25519 AAAA…".'
  fi
  ssh_options=(
    -p "${EC2_PORT:-22}" -l "$EC2_USER" -E "$work/ssh.log" -T
    -o HostKeyAlias=the-host -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$work/known_hosts"
    -o GlobalKnownHostsFile=/dev/null -o UpdateHostKeys=no -o VerifyHostKeyDNS=no -o CheckHostIP=no
    -o BatchMode=yes -o ControlPath=none -o ForwardAgent=no -o LogLevel=ERROR
    -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=4
  )
  if [[ -n ${EC2_PRIVATE_KEY:-} ]]; then
    tr -d '\r' <<<"$EC2_PRIVATE_KEY" >"$work/key"
    if ! ssh-keygen -y -P '' -f "$work/key" >"$work/key.pub" 2>"$work/key.error"; then
      die 'EC2_PRIVATE_KEY: this is no SSH private key, or it has a passphrase. It is the whole text of the file, first and last line included.'
    fi
    ssh_options+=(-i "$work/key" -o IdentitiesOnly=yes)
  fi
  # What ssh and others are started with holds no secret from here on.
  for name in "${!TOSS_@}" EC2_PRIVATE_KEY PROXY_API_KEYS REDIS_URL PROXY_SETTINGS; do unset "$name"; done
}

# on_host MODE COMMAND ARGUMENT…: sends host/ and what else is in $work/upload, and runs host/COMMAND.sh there.
# MODE is `change`, which takes the host's lock and goes on if the connection breaks, or `look`.
on_host() {
  cp -R "$deploy_scripts/host" "$work/upload/"
  # Without the files that macOS adds.
  COPYFILE_DISABLE=1 tar -C "$work/upload" -cf "$work/upload.tar" .
  local sum
  sum=$(checksum "$work/upload.tar")
  remote bash -c "$(<"$deploy_scripts/host/receive.sh")" receive "$DEPLOY_DIR" "$sum" "$(who)" "$@" <"$work/upload.tar"
}

# remote WORD…: runs a command on the host, and explains when there was no way to it.
remote() {
  local word command='' status=0
  for word; do command+=" $(quoted "$word")"; done
  ssh "${ssh_options[@]}" -- "$EC2_HOST" "$command" || status=$?
  if ((status == 255)); then explain_connection; fi
  return "$status"
}

explain_connection() {
  local log
  log=$(cat "$work/ssh.log" 2>/dev/null) || true
  say "ssh: ${log:-the connection broke}"
  case $log in
    *'Host key verification failed'* | *'host key is known'* | *'REMOTE HOST IDENTIFICATION'*)
      say "The host does not have the key in EC2_HOST_KEY, so nothing was sent. Is it another machine, or a new one? Find out before you change EC2_HOST_KEY." ;;
    *'Permission denied'* | *'Too many authentication'*)
      say "The host does not accept this key for $EC2_USER. Check EC2_USER and EC2_PRIVATE_KEY; bootstrap puts DEPLOY_PUBLIC_KEY in place." ;;
    *'Could not resolve'* | *refused* | *'timed out'* | *'No route'* | *unreachable*)
      say "Check EC2_HOST, EC2_PORT, whether the instance runs, and whether its security group lets this machine in." ;;
    *)
      say 'What was begun on the host goes on there by itself: scripts/deploy/status tells how it ended.' ;;
  esac
}

# Without a backslash in the substitution, which bash 3.2, that of macOS, would keep.
quoted() {
  local mark="'" escaped="'\\''"
  printf "'%s'" "${1//$mark/$escaped}"
}

checksum() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# The commit that is checked out here, and whether there is more than it; nothing outside a repository.
commit() {
  local hash
  hash=$(git rev-parse --short HEAD 2>/dev/null) || return 0
  printf '%s' "$hash"
  if [[ -n $(git status --porcelain --untracked-files=no 2>/dev/null) ]]; then printf '.dirty'; fi
}

who() {
  local name=${DEPLOY_WHO:-}
  if [[ -z $name && -n ${GITHUB_ACTOR:-} ]]; then name="$GITHUB_ACTOR (GitHub run ${GITHUB_RUN_ID:-?})"; fi
  printf '%s' "${name:-$(id -un)@$(hostname)}" | tr -cd 'A-Za-z0-9 @._()-'
}
