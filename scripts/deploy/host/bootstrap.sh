#!/usr/bin/env bash
# On the host, as root: everything that deploys need. bootstrap.sh USER DEPLOY_DIR PUBLIC_KEY
set -euo pipefail
user=$1 directory=$2 key=$3
if [[ $(id -u) != 0 ]]; then
  if ! sudo -n true; then
    echo "$(id -un) may not use sudo without a password. Run bootstrap as an administrator, such as ubuntu or ec2-user." >&2
    exit 1
  fi
  exec sudo -n bash "$0" "$@"
fi
umask 022
# shellcheck source-path=SCRIPTDIR source=bootstrap-parts.sh
. "$(dirname "${BASH_SOURCE[0]}")/bootstrap-parts.sh"

# What is in the home of this user is made as this user: root would follow links that somebody else has laid there.
as_user() {
  runuser -u "$user" -- bash -c "set -euo pipefail; umask 077; $(declare -f did did_nothing put authorize); \"\$@\"" as_user "$@"
}

install_packages
install_allocator
install_node "$NODE_MIRROR" /opt /usr/local/bin
if id "$user" >/dev/null 2>&1; then
  did_nothing "user $user"
else
  useradd --create-home --shell /bin/bash "$user"
  # No password opens it, and yet it is not locked, which would keep SSH keys out as well.
  usermod --password '*' "$user"
  did "user $user"
fi
home=$(getent passwd "$user" | cut -d : -f 6)
[[ $directory == /* ]] || directory=$home/$directory
as_user mkdir -p -m 700 "$home/.ssh" "$home/.pm2"
as_user authorize "$home/.ssh/authorized_keys" "$key"
if ! as_user mkdir -p "$directory" 2>/dev/null; then install -d -o "$user" -g "$user" -m 750 "$directory"; fi
echo toss-mtls-proxy.service | as_user put "$directory/unit" 644

unit_file "$user" "$directory" "$home" | put /etc/systemd/system/toss-mtls-proxy.service 644
install -d -m 755 /etc/toss-mtls-proxy
if has_allocator; then
  allocator_file | put /etc/toss-mtls-proxy/allocator.env 644
else
  rm -f /etc/toss-mtls-proxy/allocator.env
fi
logrotate_file "$user" "$home" | put /etc/toss-mtls-proxy/logrotate.conf 644
rotation_service | put /etc/systemd/system/toss-mtls-proxy-logs.service 644
rotation_timer | put /etc/systemd/system/toss-mtls-proxy-logs.timer 644
# The one thing that this user may do as root: start the service, so that it belongs to the machine and not to a login.
sudoers_line "$user" | put /etc/sudoers.d/toss-mtls-proxy 440
visudo -cqf /etc/sudoers.d/toss-mtls-proxy
systemctl daemon-reload
systemctl --quiet enable toss-mtls-proxy.service
systemctl --quiet enable --now toss-mtls-proxy-logs.timer
echo "The host is ready. Deploy as $user, with the other half of DEPLOY_PUBLIC_KEY."
