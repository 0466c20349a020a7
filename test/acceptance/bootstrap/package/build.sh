#!/bin/sh
# Builds a stand-in for Istio's sidecar package: paths, user, configuration files and post-install work as in the real one
# (docs/facts/istio-vm.md 1.4), with programs that change the system as the real ones do.
#
# usage  build.sh VERSION ARCHITECTURE FILE.deb [FURTHER_DEPENDENCY]
set -eu
version=$1
architecture=$2
deb=$3
depends="iproute2, iptables, sudo, hostname${4:+, $4}"
here=$(dirname "$(readlink -f "$0")")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
umask 022
chmod 0755 "$root"

# Writes stdin to the package. $1 mode, $2 path.
put() {
  mkdir -p "$root/$(dirname "$2")"
  sed "s/@VERSION@/$version/g" >"$root/$2"
  chmod "$1" "$root/$2"
}

put 0755 usr/local/bin/pilot-agent <"$here/pilot-agent"
put 0755 usr/local/bin/envoy <"$here/envoy"
put 0755 usr/local/bin/istio-start.sh <"$here/istio-start.sh"
put 0644 lib/systemd/system/istio.service <"$here/istio.service"
echo '# All settings are in cluster.env.' | put 0644 var/lib/istio/envoy/sidecar.env
echo '{"admin": {"port": 15000}}' | put 0644 var/lib/istio/envoy/envoy_bootstrap_tmpl.json
put 0755 DEBIAN/postinst <"$here/postinst"
put 0644 DEBIAN/conffiles <<'FILES'
/var/lib/istio/envoy/sidecar.env
/var/lib/istio/envoy/envoy_bootstrap_tmpl.json
FILES
put 0644 DEBIAN/control <<CONTROL
Package: istio-sidecar
Version: $version
Architecture: $architecture
Maintainer: istio-vms tests <nobody@localhost>
Installed-Size: 120
Depends: $depends
Description: stand-in for Istio's sidecar package
 For the acceptance tests of istio-vms; it joins no real mesh.
CONTROL

dpkg-deb --root-owner-group -Zgzip --build "$root" "$deb" >/dev/null
