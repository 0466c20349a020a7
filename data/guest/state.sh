#!/bin/sh
# Tells what is on this machine, a `key<TAB>value` line each, and changes nothing. Arguments: paths to digest, and
# `port=NUMBER` for who listens there.
# What is not there is `-`; every question stands alone, so one that fails hides no other.
set -u
LC_ALL=C
export LC_ALL

say() {
  printf '%s\t%s\n' "$1" "${2:--}"
}

first_line() {
  head -n 1 "$1" 2>/dev/null || true
}

# is-enabled has many words and, by version, prints `not-found` or nothing.
enabled() {
  case $(systemctl is-enabled "$1" 2>/dev/null || true) in
    enabled | enabled-runtime) echo enabled ;;
    disabled) echo disabled ;;
  esac
}

active() {
  systemctl show "$1" --property=ActiveState --value 2>/dev/null || true
}

# Seconds since 1970 at which the workload certificate ends.
certificate_end() {
  end=$(openssl x509 -noout -enddate -in /etc/certs/cert-chain.pem 2>/dev/null) || return 0
  date -u -d "${end#notAfter=}" +%s 2>/dev/null || true
}

# The identity in the workload certificate, `spiffe://...`.
certificate_identity() {
  openssl x509 -noout -ext subjectAltName -in /etc/certs/cert-chain.pem 2>/dev/null |
    sed -n 's/.*URI:\([^, ]*\).*/\1/p'
}

# Whether our lines in /etc/hosts are the ones that the sidecar was given.
hosts_lines() {
  [ -s /var/lib/istio-vms/hosts ] || return 0
  lines=$(awk '
    $0 == "# istio-vms begin" { inside = 1; next }
    $0 == "# istio-vms end" { inside = 0 }
    inside
  ' /etc/hosts 2>/dev/null)
  if [ "$lines" = "$(cat /var/lib/istio-vms/hosts)" ]; then echo there; else echo missing; fi
}

# Whether a unit runs with what is here now: a run that was cut between placing files and starting must not be forgotten.
# $1 the unit, then the files that its start script stamps, as it names them.
current() {
  stamp=/var/lib/istio-vms/started.$1
  shift
  [ -f "$stamp" ] || return 0
  if [ "$(sha256sum "$@" 2>/dev/null | sha256sum)" = "$(cat "$stamp")" ]; then echo yes; else echo no; fi
}

# PID, unit, address and program of who listens on a TCP port.
listener() {
  line=$(ss -Hltnp "sport = :$1" 2>/dev/null | head -n 1)
  [ -n "$line" ] || return 0
  pid=$(printf '%s\n' "$line" | sed -n 's/.*pid=\([0-9]*\).*/\1/p')
  unit=$(sed -n 's|.*/\([^/]*\.service\)$|\1|p' "/proc/$pid/cgroup" 2>/dev/null | head -n 1)
  program=$(printf '%s\n' "$line" | sed -n 's/.*users:(("\([^"]*\)".*/\1/p')
  address=$(printf '%s\n' "$line" | awk '{ print $4 }')
  echo "${pid:--} ${unit:--} $address ${program:--}"
}

ready_code() {
  code=$(curl --silent --output /dev/null --write-out '%{http_code}' --max-time 3 \
    http://127.0.0.1:15021/healthz/ready 2>/dev/null) || true
  echo "${code:-000}"
}

say arch "$(uname -m)"
say boot_id "$(first_line /proc/sys/kernel/random/boot_id)"
say now "$(date +%s)"
say lab "$(first_line /etc/istio-vms/lab)"
say sidecar.version "$(first_line /var/lib/istio-vms/sidecar-version)"
say sidecar.enabled "$(enabled istio)"
say sidecar.active "$(active istio)"
say sidecar.ready "$(ready_code)"
say sidecar.invocation "$(systemctl show istio --property=InvocationID --value 2>/dev/null || true)"
say sidecar.hosts "$(hosts_lines)"
say sidecar.current "$(current istio /etc/systemd/system/istio.service /usr/local/lib/istio-vms/* \
  /var/lib/istio/envoy/cluster.env /var/lib/istio-vms/sidecar.env /var/lib/istio-vms/hosts \
  /var/lib/istio-vms/sidecar-version /etc/istio/config/mesh /var/lib/istio-vms/root-cert.pem)"
say demo.enabled "$(enabled istio-vms-demo)"
say demo.active "$(active istio-vms-demo)"
say demo.current "$(current istio-vms-demo /etc/systemd/system/istio-vms-demo.service /var/lib/istio-vms/demo.env)"
say cert.expires "$(certificate_end)"
say cert.identity "$(certificate_identity)"
# sudo-rs ignores -E (facts 5.2); nothing of ours needs it, people's own scripts may.
case $(sudo --version 2>/dev/null | head -n 1) in
  *sudo-rs*) say sudo sudo-rs ;;
  *) say sudo sudo ;;
esac

for path in "$@"; do
  case $path in
    port=*)
      say demo.listener "$(listener "${path#port=}")"
      continue
      ;;
  esac
  digest=$({ sha256sum <"$path"; } 2>/dev/null) && about=$(stat -L -c '%a %U %G' "$path" 2>/dev/null) || digest=
  if [ -n "$digest" ]; then
    say file "${digest%% *} $about $path"
  else
    say file "- - - - $path"
  fi
done
