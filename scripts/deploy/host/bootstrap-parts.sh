# shellcheck shell=bash
# The parts of bootstrap, which say what they did, and do nothing where nothing is to be done.

NODE_MAJOR=24
NODE_MIRROR=${NODE_MIRROR:-https://nodejs.org/dist}

did() { echo "made:    $*"; }
did_nothing() { echo "is here: $*"; }

# put FILE MODE: writes standard input to a file, in one step, if it says something else.
put() {
  local new
  new=$(mktemp "$1.XXXXXX")
  cat >"$new"
  chmod "$2" "$new"
  if cmp --silent "$new" "$1"; then
    rm "$new"
    did_nothing "$1"
  else
    mv "$new" "$1"
    did "$1"
  fi
}

# What the scripts use and a lean image may lack, as COMMAND:PACKAGE.
install_packages() {
  local pair missing=()
  for pair in curl:curl tar:tar gzip:gzip flock:util-linux setsid:util-linux logrotate:logrotate visudo:sudo; do
    if ! command -v "${pair%%:*}" >/dev/null; then missing+=("${pair#*:}"); fi
  done
  if ((${#missing[@]} == 0)); then
    did_nothing 'packages'
    return
  fi
  add_packages "${missing[@]}"
  did "packages: ${missing[*]}"
}

add_packages() {
  if command -v apt-get >/dev/null; then
    apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "$@" >/dev/null
  elif command -v dnf >/dev/null; then
    dnf --quiet --assumeyes install "$@"
  else
    echo 'This is neither Ubuntu nor Amazon Linux 2023: there is no apt-get and no dnf.' >&2
    return 1
  fi
}

# Without it the service does the same, but keeps the memory that a rush of calls has taken. So no host is refused for it.
install_allocator() {
  local package=jemalloc
  if has_allocator; then
    did_nothing "$package"
    return
  fi
  if command -v apt-get >/dev/null; then package=libjemalloc2; fi
  if add_packages "$package" && has_allocator; then
    did "packages: $package"
  else
    echo "missing: $package could not be installed, or does not run here. A worker will not give memory back after a rush of calls; run this again to retry." >&2
  fi
}

# Tried, not looked for: the loader and jemalloc complain of a library or a setting that does not do here, and go on.
has_allocator() {
  local settings said
  mapfile -t settings < <(allocator_file)
  said=$(env "${settings[@]}" true 2>&1) && [[ -z $said ]]
}

# jemalloc in place of the C library's malloc, which keeps what it has freed: after 2,000 calls at once a worker falls from
# 284 MB to 197 instead of staying at 320 (Node 24). What is freed goes back to the system at once, but for a few pieces of up
# to 128 KiB, which a call with a body of 64 KiB takes anew so often that it would cost a tenth more without them.
allocator_file() {
  cat <<'SETTINGS'
LD_PRELOAD=libjemalloc.so.2
MALLOC_CONF=dirty_decay_ms:0,muzzy_decay_ms:0,lg_tcache_max:17
SETTINGS
}

# install_node MIRROR PREFIX BIN: the newest Node of NODE_MAJOR, whose checksum must be the one that is published with it.
# An older one stays: a PM2 that runs goes on with it.
install_node() {
  local mirror=$1/latest-v$NODE_MAJOR.x prefix=$2 bin=$3 arch sums sum archive name work
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *)
      echo "There is no Node.js for $(uname -m) here." >&2
      return 1
      ;;
  esac
  sums=$(curl -fsSL --retry 3 "$mirror/SHASUMS256.txt")
  read -r sum archive < <(grep -E " node-v$NODE_MAJOR\.[0-9.]+-linux-$arch\.tar\.gz\$" <<<"$sums")
  name=${archive%.tar.gz}
  if [[ -x $prefix/$name/bin/node ]]; then
    did_nothing "$name"
  else
    work=$(mktemp -d "$prefix/.node.XXXXXX")
    if ! curl -fsSL --retry 3 -o "$work/$archive" "$mirror/$archive" ||
      ! (cd "$work" && sha256sum --check --quiet <<<"$sum  $archive") ||
      ! tar -C "$work" -xzf "$work/$archive" || ! "$work/$name/bin/node" --version >"$work/version"; then
      rm -rf "$work"
      echo "$archive could not be installed: it did not arrive, is not what its checksum says, or does not run here (Amazon Linux 2 is too old for it)." >&2
      return 1
    fi
    chmod 755 "$work/$name"
    mv "$work/$name" "$prefix/$name"
    rm -rf "$work"
    did "$prefix/$name"
  fi
  for name in "$prefix/$name"/bin/{node,npm,npx}; do
    if [[ -e $name ]]; then ln -sfn "$name" "$bin/${name##*/}"; fi
  done
}

# authorize FILE KEY: whoever has the key may run commands, and nothing else that SSH offers.
authorize() {
  if grep --quiet --line-regexp --fixed-strings "restrict $2" "$1" 2>/dev/null; then
    did_nothing "the deploy key in $1"
    return
  fi
  echo "restrict $2" >>"$1"
  chmod 600 "$1"
  did "the deploy key in $1"
}

# unit_file USER DIRECTORY HOME. PM2 comes out of the first deploy; until then there is nothing to start.
unit_file() {
  cat <<UNIT
[Unit]
Description=toss-mtls-proxy, under PM2
Wants=network-online.target
After=network-online.target
ConditionPathExists=$2/pm2

[Service]
Type=forking
User=$1
WorkingDirectory=$2
Environment=PATH=/usr/local/bin:/usr/bin:/bin
EnvironmentFile=-/etc/toss-mtls-proxy/allocator.env
PIDFile=$3/.pm2/pm2.pid
ExecStart=$2/pm2/node_modules/.bin/pm2 resurrect
ExecStop=$2/pm2/node_modules/.bin/pm2 kill
# Longer than calls in flight may take.
TimeoutStopSec=120
Restart=on-failure
# One worker that the kernel kills for its memory is PM2's to replace, and no reason to stop the others.
OOMPolicy=continue
LimitNOFILE=65536
UMask=0077
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=full

[Install]
WantedBy=multi-user.target
UNIT
}

# logrotate_file USER HOME. PM2 cannot be told to open its own log anew, so it is copied and cut: copytruncate.
logrotate_file() {
  cat <<CONFIG
$2/.pm2/pm2.log $2/.pm2/logs/*.log {
  su $1 $1
  daily
  maxsize 100M
  rotate 14
  dateext
  dateformat -%Y%m%d-%s
  compress
  delaycompress
  missingok
  notifempty
  copytruncate
}
CONFIG
}

rotation_service() {
  cat <<'UNIT'
[Unit]
Description=Rotation of the logs of toss-mtls-proxy

[Service]
Type=oneshot
ExecStart=/usr/sbin/logrotate --state /var/lib/logrotate/toss-mtls-proxy.status /etc/toss-mtls-proxy/logrotate.conf
UNIT
}

# Every hour, so that a busy day cannot fill the disk.
rotation_timer() {
  cat <<'UNIT'
[Unit]
Description=Rotation of the logs of toss-mtls-proxy

[Timer]
OnCalendar=hourly
Persistent=true

[Install]
WantedBy=timers.target
UNIT
}

sudoers_line() { echo "$1 ALL=(root) NOPASSWD: /usr/bin/systemctl start toss-mtls-proxy.service"; }
