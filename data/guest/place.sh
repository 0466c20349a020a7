#!/bin/sh
# Puts files in place on a machine, as root, then runs a script that came along. One remote call carries it all.
#
# usage   place.sh MARK LAB [ARGUMENT…]   the file MARK has to name the lab; the arguments are those of then.sh
# stdin   a tar: `manifest` (MODE, OWNER, GROUP, PATH, tab separated), `files/<PATH>` for each, perhaps `then.sh`
# stdout  `changed PATH` for each file that was not yet so, then `--`, then the output of then.sh
# exit    that of then.sh; 19 when this machine is not of that lab; 21 when the disk is full; 1 for anything else, with
#         nothing half written under a final name
set -eu
LC_ALL=C
export LC_ALL
# Whatever is unpacked belongs to root alone until its own mode is set.
umask 077

fail() {
  printf 'istio-vms-place: %s\n' "$1" >&2
  exit "${2:-1}"
}

# $1 did not work out, $2 is a path on the file system that it was for.
explain() {
  free=$(df -Pk "$2" 2>/dev/null | awk 'NR == 2 { print $4 }')
  [ "${free:-1024}" -ge 1024 ] || fail "no space left on device: cannot $1" 21
  fail "cannot $1"
}

mark=$1 lab=$2
shift 2
# The name may have passed to somebody else's machine since we looked: nothing of ours comes onto its disk.
[ "$(cat "$mark" 2>/dev/null)" = "$lab" ] || {
  cat >/dev/null
  fail "this machine does not belong to the lab $lab" 19
}

# /var/lib, not /tmp or /run: those may be small memory file systems, and the k3s binary is large. sudo drops TMPDIR.
base=${TMPDIR:-/var/lib}
# A stage that a power cut left behind holds secrets: the next call takes it away.
find "$base" -maxdepth 1 -type d -name '.istio-vms-stage.*' -mmin +60 -exec rm -rf {} + 2>/dev/null || true
stage=$(mktemp -d "$base/.istio-vms-stage.XXXXXX") || explain 'make a stage' "$base"
new=
trap 'rm -rf "$stage"; [ -z "$new" ] || rm -f "$new"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

tar -x --no-same-owner --no-same-permissions -C "$stage" -f - || explain 'unpack the files' "$base"
[ -f "$stage/manifest" ] || fail 'no manifest came along'
tab=$(printf '\t')

# First pass: refuse everything before anything is changed.
while IFS="$tab" read -r mode owner group path; do
  case $mode in
    [0-7][0-7][0-7] | [0-7][0-7][0-7][0-7]) ;;
    *) fail "not a mode: $mode" ;;
  esac
  case $path in
    */../* | */.. | */./* | */. | */ | *//*) fail "not a plain path: $path" ;;
    /*) ;;
    *) fail "not an absolute path: $path" ;;
  esac
  { [ -f "$stage/files$path" ] && [ ! -L "$stage/files$path" ]; } || fail "not in the archive: $path"
  [ ! -d "$path" ] || fail "a directory is in the way: $path"
  getent passwd "$owner" >/dev/null || fail "no such user: $owner"
  getent group "$group" >/dev/null || fail "no such group: $group"
done <"$stage/manifest"

# Second pass: move beside the final name, give it away, open it up, rename. A reader sees the old file or the new one.
CHANGED=
while IFS="$tab" read -r mode owner group path; do
  staged=$stage/files$path
  if [ -f "$path" ] && [ ! -L "$path" ] && cmp -s "$staged" "$path" &&
    [ "$(stat -c '%a %U %G' "$path" | sed 's/^0*//')" = "$(printf '%s' "$mode" | sed 's/^0*//') $owner $group" ]; then
    continue
  fi
  directory=${path%/*}
  [ -d "${directory:-/}" ] || (umask 022 && mkdir -p "$directory")
  new=$directory/.${path##*/}.istio-vms-new
  rm -f "$new"
  mv -f "$staged" "$new" || explain "write $path" "${directory:-/}"
  # Owner before mode: chown takes setuid and setgid bits away, and the file is 0600 in the meantime.
  chown "$owner:$group" "$new"
  chmod "$mode" "$new"
  # A rename that reaches the disk before its content would leave an empty file after a power cut.
  sync "$new" 2>/dev/null || true
  mv -fT "$new" "$path"
  new=
  printf 'changed %s\n' "$path"
  CHANGED="$CHANGED${CHANGED:+
}$path"
done <"$stage/manifest"
rm -rf "$stage/files"

if [ -f "$stage/then.sh" ]; then
  printf '%s\n' --
  export CHANGED
  umask 022
  sh "$stage/then.sh" "$@" </dev/null
fi
