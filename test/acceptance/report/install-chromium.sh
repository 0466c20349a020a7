#!/usr/bin/env bash
# Finds a browser for the tests of the report: the one that CHROMIUM names or one on PATH; otherwise installs Debian's
# package chromium. Idempotent.
#
# usage  install-chromium.sh       as root if something has to be installed
# stdout the path of the browser
# exit   0 ready, 77 not possible here (the reason is on stderr), 1 failed
set -euo pipefail

cannot() {
  printf 'install-chromium: %s\n' "$1" >&2
  exit 77
}

found() {
  local name
  for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
    if [ -n "$name" ] && command -v "$name"; then return; fi
  done
  return 1
}

found && exit
[ "$(uname -s)" = Linux ] || cannot 'no Chromium here; CHROMIUM may name one'
command -v apt-get >/dev/null || cannot 'no Chromium here, and no apt-get to install one; CHROMIUM may name one'
[ "$(id -u)" = 0 ] || cannot 'root is needed to install Chromium'

exec 3>&1 >&2 </dev/null
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
quiet=(-qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120)
printf 'install-chromium: installing chromium\n'
apt-get update "${quiet[@]}" || true
apt-cache show chromium >/dev/null 2>&1 || cannot 'no package source here has chromium'
# Installs a font, too, since the computer may have none.
apt-get install --yes --no-install-recommends "${quiet[@]}" chromium fonts-dejavu-core
found >&3
