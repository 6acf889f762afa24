# shellcheck shell=bash
# The first thing that runs on the host: takes the upload from standard input, and runs one of its scripts.
# receive DEPLOY_DIR SHA256 WHO MODE COMMAND ARGUMENT…
# A change runs on its own once the upload is whole: it ends properly even if the connection does not.
set -euo pipefail
umask 077
ROOT=$1 sum=$2 WHO=$3 mode=$4 command=$5
shift 5
[[ $ROOT == /* ]] || ROOT=$HOME/$ROOT
export ROOT WHO

work=''
if [[ $mode == change ]]; then
  mkdir -p "$ROOT/deploys"
  exec 9>>"$ROOT/lock"
  # A moment's patience, since `status` takes it for an instant to see whether it is free.
  if ! flock -w 1 9; then
    printf 'Refused: %s. Nothing was changed; try again when that has ended.\n' "$(<"$ROOT/lock")" >&2
    exit 75
  fi
  printf '%s is at it with "%s", since %s\n' "$WHO" "$command" "$(date -u '+%F %T UTC')" >"$ROOT/lock"
  work=$(mktemp -d "$ROOT/.incoming.XXXXXX")
fi
work=${work:-$(mktemp -d)}
trap 'rm -rf "$work"' EXIT
trap 'exit 143' HUP TERM
no_room() {
  printf 'The upload could not be stored on the host: nothing was changed. Is its disk full?\n' >&2
  df -h "$work" >&2
  exit 1
}
timeout 600 cat >"$work/upload.tar" || no_room
if [[ $(sha256sum <"$work/upload.tar") != "$sum "* ]]; then
  printf 'The upload did not arrive as it was sent: nothing was changed. Try again.\n' >&2
  exit 1
fi
mkdir "$work/upload"
tar -C "$work/upload" -xf "$work/upload.tar" 2>"$work/tar.error" || no_room
rm "$work/upload.tar"

if [[ $mode == look ]]; then
  bash "$work/upload/host/$command.sh" "$@"
  exit
fi
log=$ROOT/deploys/$(date -u +%Y%m%dT%H%M%SZ)-$command.log
: >"$log"
exec 8<>"$work/result"
setsid bash "$work/upload/host/$command.sh" "$work" "$@" </dev/null >"$work/result" 2>"$log" 8>&- &
change=$!
trap - EXIT HUP TERM
tail -n +1 -s 0.2 -f --pid "$change" "$log" >&2 9>&- || true
status=0
wait "$change" || status=$?
# The change has removed the file's name by now.
cat <&8
if ((status > 128)); then
  printf 'The change was killed on the host before its end. See scripts/deploy/status, then deploy again.\n' >&2
fi
exit "$status"
