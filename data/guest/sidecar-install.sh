#!/bin/sh
# Installs Istio's sidecar: `deb VERSION FILE`, or `image VERSION` around envoy and pilot-agent out of the proxyv2
# image, which are in place already. Prints `installed` or `unchanged`.
# exit  20 made for another CPU, 21 not enough disk, 22 the package manager failed
set -eu
route=$1
version=$2
deb=${3:-}
store=/var/lib/istio-vms
user=istio-proxy
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND

fail() {
  printf 'sidecar-install: %s\n' "$2" >&2
  exit "$1"
}

# Packages are found without an update as a rule; the lists of a fresh image may be empty or stale, though. Waits for
# the unattended upgrade that a fresh Ubuntu runs. Output goes to stderr: stdout is the answer.
packages() {
  set -- --yes --no-install-recommends --allow-downgrades -o DPkg::Lock::Timeout=180 -o Dpkg::Options::=--force-confold "$@"
  apt-get install "$@" >&2 || {
    apt-get update -o DPkg::Lock::Timeout=180 >&2 || true
    apt-get install "$@" >&2
  } || fail 22 'the package manager could not install the sidecar'
}

# KiB that must be free where programs go.
room() {
  free=$(df -Pk /usr/local | awk 'NR == 2 { print $4 }')
  [ "$free" -ge "$1" ] || fail 21 "no space left on device: the sidecar needs $1 KiB, $free are free"
}

# A package that was used or refused only fills the disk.
[ -z "$deb" ] || trap 'rm -f "$deb"; rmdir "${deb%/*}" 2>/dev/null || true' EXIT

if [ "$(cat "$store/sidecar-version" 2>/dev/null || true)" = "$version" ] && [ -x /usr/local/bin/pilot-agent ] &&
  [ -x /usr/local/bin/envoy ] && [ "$route" = deb ]; then
  echo unchanged
  exit 0
fi

mkdir -p "$store"
machine=$(dpkg --print-architecture)
# What was not here before goes away again with sidecar-remove.sh.
getent passwd "$user" >/dev/null || : >"$store/made-user"
# Its DNS would be the sidecar's own; without it packages can be fetched whatever state it is in.
systemctl stop istio 2>/dev/null || true

case $route in
  deb)
    made_for=$(dpkg-deb --field "$deb" Architecture) || fail 22 "$deb is no package"
    [ "$made_for" = "$machine" ] || [ "$made_for" = all ] || fail 20 "package architecture ($made_for) does not match system ($machine)"
    size=$(dpkg-deb --field "$deb" Installed-Size)
    room $((${size:-200000} + 51200))
    packages "$deb"
    case $(dpkg-query --show --showformat '${Status}' istio-sidecar 2>/dev/null) in
      *' ok installed') ;;
      *) fail 22 'the package manager ended well, yet istio-sidecar is not installed' ;;
    esac
    ;;
  image)
    # Byte 18 of an ELF file says which CPU it is for.
    case "$(od -An -N4 -tx1 /usr/local/bin/pilot-agent | tr -d ' ')-$(od -An -j18 -N1 -tx1 /usr/local/bin/pilot-agent | tr -d ' ')-$machine" in
      7f454c46-3e-amd64 | 7f454c46-b7-arm64) ;;
      7f454c46-*) fail 20 "package architecture (image) does not match system ($machine)" ;;
    esac
    room 51200
    { command -v iptables-restore && command -v ip; } >/dev/null 2>&1 || packages iproute2 iptables
    # From here on what the package does after unpacking.
    getent group "$user" >/dev/null || groupadd --system "$user"
    getent passwd "$user" >/dev/null ||
      useradd --system --gid "$user" --home-dir /var/lib/istio --no-create-home --shell /usr/sbin/nologin "$user"
    [ -e /etc/istio ] || ln -s /var/lib/istio /etc/istio
    mkdir -p /var/lib/istio/envoy /var/lib/istio/proxy /var/lib/istio/config /var/log/istio /etc/certs
    [ -e /var/lib/istio/config/mesh ] || : >/var/lib/istio/config/mesh
    chown "$user:$user" /var/lib/istio /var/lib/istio/envoy /var/lib/istio/proxy /var/lib/istio/config \
      /var/lib/istio/config/mesh /var/log/istio /etc/certs
    # The rules know Envoy's traffic by its group; the bit gives it that group whoever starts it.
    chgrp "$user" /usr/local/bin/envoy /usr/local/bin/pilot-agent
    chmod 2755 /usr/local/bin/envoy /usr/local/bin/pilot-agent
    ;;
  *) fail 2 "unknown route $route" ;;
esac

printf '%s\n' "$version" >"$store/sidecar-version.new"
mv -f "$store/sidecar-version.new" "$store/sidecar-version"
echo installed
