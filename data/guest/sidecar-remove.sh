#!/bin/sh
# Takes sidecar and demo off this machine and leaves it as it was: units, rules, hosts lines, package, files, user.
# May run any number of times; a part that is gone already is fine. Prints `removed`.
set -eu
store=/var/lib/istio-vms
lib=/usr/local/lib/istio-vms
user=istio-proxy
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND

for unit in istio istio-vms-demo; do
  systemctl disable --quiet "$unit" 2>/dev/null || true
  systemctl stop "$unit" 2>/dev/null || true
done
# The stop has done it already, unless the unit was never started or was lost.
[ ! -x "$lib/cleanup" ] || "$lib/cleanup"
[ ! -x "$lib/hosts-block" ] || "$lib/hosts-block" drop

rm -f /etc/systemd/system/istio.service /etc/systemd/system/istio-vms-demo.service
if dpkg-query --show istio-sidecar >/dev/null 2>&1; then
  apt-get purge --yes -o DPkg::Lock::Timeout=180 istio-sidecar >&2
  # No package owns this directory, so dpkg takes it away when ours was the last file in it.
  mkdir -p /usr/local/bin
fi
systemctl daemon-reload
systemctl reset-failed istio istio-vms-demo 2>/dev/null || true

# What came out of an image, and what package and agent leave behind.
rm -f /usr/local/bin/envoy /usr/local/bin/pilot-agent /usr/local/bin/istio-start.sh
rm -f /etc/certs/root-cert.pem /etc/certs/cert-chain.pem /etc/certs/key.pem
rmdir /etc/certs 2>/dev/null || true
[ "$(readlink /etc/istio 2>/dev/null || true)" != /var/lib/istio ] || rm -f /etc/istio
rm -rf /var/lib/istio /var/log/istio /var/run/secrets/tokens /var/run/secrets/workload-spiffe-uds
rmdir /var/run/secrets 2>/dev/null || true

# Only a user that came with the sidecar.
if [ -e "$store/made-user" ]; then
  if getent passwd "$user" >/dev/null; then userdel "$user"; fi
  if getent group "$user" >/dev/null; then groupdel "$user"; fi
fi
rm -rf "$lib" "$store"
rmdir /var/cache/istio-vms 2>/dev/null || true
echo removed
