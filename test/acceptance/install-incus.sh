#!/usr/bin/env bash
# Makes this computer ready for the acceptance tests: Incus from Debian's packages, its daemon, a project of its own with
# bridge and pool, and an Ubuntu-like system image. May be run any number of times; what is there is left alone.
#
# Everything lies in the project `istio-vms-test`: instances, images and profiles of others are never seen. The bridge has
# no way out, so the machines talk to each other and to this computer alone.
#
# usage  install-incus.sh            as root on Debian 12 or 13
#        install-incus.sh --remove   takes project, bridge and pool away again; Incus itself stays
# exit   0 ready, 77 not possible here (the reason is on stderr), 1 failed
set -euo pipefail

project=istio-vms-test
image=ubuntu-like
bridge=ivmstest0
pool=istio-vms-test
release=bookworm

cannot() {
  printf 'install-incus: %s\n' "$1" >&2
  exit 77
}
say() { printf 'install-incus: %s\n' "$1" >&2; }

[ "$(uname -s)" = Linux ] || cannot 'system containers need Linux'
[ "$(id -u)" = 0 ] || cannot 'root is needed to install and start Incus'
# Many incus commands read standard input to its end (docs/facts/incus.md 0.1).
exec </dev/null
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
unset INCUS_PROJECT INCUS_REMOTE

in_project() { incus -q --project "$project" "$@"; }

if [ "${1:-}" = --remove ]; then
  for name in $(in_project list --format csv --columns n); do in_project delete --force "$name"; done
  for print in $(in_project image list --format csv --columns f); do in_project image delete "$print"; done
  in_project profile device remove default eth0 || true
  in_project profile device remove default root || true
  incus -q project delete "$project" || true
  incus -q network delete "$bridge" || true
  incus -q storage delete "$pool" || true
  exit 0
fi

# --- programs --------------------------------------------------------------------------------------------------------
wanted=(incus-base incus-client dnsmasq-base iptables nftables openssh-client mmdebstrap zstd)
missing=()
for package in "${wanted[@]}"; do
  dpkg-query --show --showformat '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  command -v apt-get >/dev/null || cannot 'only Debian and its kin are known to this script (no apt-get)'
  say "installing ${missing[*]}"
  quiet=(-qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120)
  apt-get update "${quiet[@]}" >&2 || true
  options=()
  . /etc/os-release
  if [ "${VERSION_CODENAME:-}" = bookworm ]; then
    # Debian 12 has Incus in its backports alone.
    apt-cache policy | grep -q 'bookworm-backports' || {
      printf '%s\n' 'Types: deb' 'URIs: http://deb.debian.org/debian' 'Suites: bookworm-backports' 'Components: main' \
        'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg' >/etc/apt/sources.list.d/istio-vms-backports.sources
      apt-get update "${quiet[@]}" >&2
    }
    options=(-t bookworm-backports)
  fi
  apt-cache show incus-base >/dev/null 2>&1 || cannot 'no package source here has incus-base'
  apt-get install --yes --no-install-recommends "${quiet[@]}" "${options[@]}" "${missing[@]}" >&2
fi

# --- daemon ----------------------------------------------------------------------------------------------------------
answers() { incus -q query /1.0 >/dev/null 2>&1; }
if ! answers; then
  if [ -d /run/systemd/system ]; then
    systemctl start incus
  else
    # Not under systemd: the daemon leads a session of its own and outlives this script.
    say 'starting the daemon without systemd'
    mkdir -p /var/log/incus
    ulimit -n 1048576 2>/dev/null || true
    setsid --fork /usr/libexec/incus/incusd --group incus-admin --logfile /var/log/incus/incus.log >/dev/null 2>&1
  fi
  incus -q admin waitready --timeout 60 || {
    say 'the daemon does not come up; its last words:'
    tail -n 20 /var/log/incus/incus.log >&2 || true
    exit 1
  }
fi

# --- project, pool, bridge -------------------------------------------------------------------------------------------
incus -q storage show "$pool" >/dev/null 2>&1 || incus -q storage create "$pool" dir
# `ipv4.address=auto` gives up where a default route covers all private ranges; the first range that no interface is in.
free_range() {
  for range in 10.98.41 10.173.86 172.29.203 192.168.219; do
    ip -4 -o address show | grep -q "inet ${range//./\\.}\\." || { echo "$range" && return; }
  done
  cannot 'no free range for the bridge'
}
# No NAT, no routing, no names of the outside: by construction nothing leaves.
incus -q network show "$bridge" >/dev/null 2>&1 || incus -q network create "$bridge" \
  ipv4.address="$(free_range).1/24" ipv4.nat=false ipv4.routing=false ipv6.address=none raw.dnsmasq='no-resolv'
# After a restart of the computer the bridge may be known, yet not there.
ip link show "$bridge" >/dev/null 2>&1 || {
  say "bridge $bridge is known to Incus but is not up; restart the daemon"
  exit 1
}
incus -q project show "$project" >/dev/null 2>&1 ||
  incus -q project create "$project" -c features.images=true -c features.profiles=true -c features.storage.volumes=true
in_project profile device get default root pool >/dev/null 2>&1 ||
  in_project profile device add default root disk path=/ pool="$pool"
in_project profile device get default eth0 network >/dev/null 2>&1 ||
  in_project profile device add default eth0 nic name=eth0 network="$bridge"

# --- image -----------------------------------------------------------------------------------------------------------
# The image carries the digest of this recipe: a changed recipe makes a new one.
recipe=$(sha256sum <"$0" | cut -c1-16)
if [ "$(in_project image get-property "$image" recipe 2>/dev/null || true)" = "$recipe" ]; then
  say 'ready'
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say "building the image (a minute or two)"

# Debian with what makes an Ubuntu cloud image for us: user ubuntu with sudo, sshd, cloud-init, resolved, netplan's work
# done by networkd. No package source: an `apt-get` that wants more than is there fails at once instead of going out.
cat >"$work/90-istio-vms.cfg" <<'CFG'
datasource_list: [ NoCloud, None ]
locale: C.UTF-8
apt: {preserve_sources_list: true}
system_info:
  default_user:
    name: ubuntu
    gecos: Ubuntu
    lock_passwd: true
    groups: [adm, sudo]
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
    shell: /bin/bash
CFG
mmdebstrap --quiet --mode=root --variant=minbase \
  --include=systemd,systemd-sysv,systemd-resolved,udev,dbus,cloud-init,netbase,iproute2,iptables,nftables,kmod,procps,sudo,curl,ca-certificates,python3,openssl,openssh-server,openssh-sftp-server,hostname \
  --customize-hook='rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*' \
  --customize-hook="copy-in $work/90-istio-vms.cfg /etc/cloud/cloud.cfg.d" \
  --customize-hook='chroot "$1" systemctl enable systemd-networkd systemd-resolved' \
  --customize-hook='ln -sfn /run/systemd/resolve/stub-resolv.conf "$1"/etc/resolv.conf; rm -f "$1"/etc/hostname; : >"$1"/etc/machine-id' \
  --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/usr/share/doc/* "$1"/usr/share/man/* "$1"/usr/share/locale/*' \
  "$release" "$work/rootfs.tar" >&2
zstd --quiet -1 -T0 --rm "$work/rootfs.tar"

# cloud-init finds its data in files that Incus writes from templates (docs/facts/incus.md 7).
mkdir "$work/templates"
cat >"$work/metadata.yaml" <<META
architecture: $(uname -m)
creation_date: $(date +%s)
properties: {description: "istio-vms acceptance tests", os: debian, release: $release, recipe: "$recipe"}
templates:
  /etc/hostname: {when: [create, copy], template: hostname.tpl}
  /var/lib/cloud/seed/nocloud-net/meta-data: {when: [create, copy], template: meta.tpl}
  /var/lib/cloud/seed/nocloud-net/user-data: {when: [create, copy], template: user.tpl}
  /var/lib/cloud/seed/nocloud-net/vendor-data: {when: [create, copy], template: vendor.tpl}
  /var/lib/cloud/seed/nocloud-net/network-config: {when: [create, copy], template: network.tpl}
META
given() {
  printf '{%% if config_get("cloud-init.%s", "") == "" %%}%s\n{%% else %%}{{ config_get("cloud-init.%s", "") }}\n{%% endif %%}' \
    "$1" "$2" "$1"
}
echo '{{ instance.name }}' >"$work/templates/hostname.tpl"
printf 'instance-id: {{ instance.name }}\nlocal-hostname: {{ instance.name }}\n' >"$work/templates/meta.tpl"
given user-data $'#cloud-config\n{}' >"$work/templates/user.tpl"
given vendor-data $'#cloud-config\n{}' >"$work/templates/vendor.tpl"
given network-config $'version: 2\nethernets:\n  eth0: {dhcp4: true}' >"$work/templates/network.tpl"
tar -C "$work" -cf "$work/meta.tar" metadata.yaml templates

old=$(in_project image list --format csv --columns f "^$image\$" || true)
in_project image import "$work/meta.tar" "$work/rootfs.tar.zst" --alias "$image"
for print in $old; do in_project image delete "$print" || true; done
say 'ready'
