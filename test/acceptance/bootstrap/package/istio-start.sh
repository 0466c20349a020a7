#!/bin/bash
# As in the article: loads the rules, then runs the agent, both in the caller's session (docs/facts/istio-vm.md 5.1).
set -e
set -a
. "${ISTIO_SIDECAR_CONFIG:-./var/lib/istio/envoy/sidecar.env}"
if [ -r "${ISTIO_CLUSTER_CONFIG:-./var/lib/istio/envoy/cluster.env}" ]; then
  . "${ISTIO_CLUSTER_CONFIG:-./var/lib/istio/envoy/cluster.env}"
fi
: "${ISTIO_LOG_DIR:=./var/log/istio}" "${PROV_CERT:=./etc/certs}" "${OUTPUT_CERTS:=./etc/certs}"
: "${INSTANCE_IP:=${ISTIO_SVC_IP:-$(hostname --all-ip-addresses | cut -d ' ' -f 1)}}" "${POD_NAME:=$(hostname -s)}"
set +a

agent=/usr/local/bin/pilot-agent
clean() { "$agent" istio-clean-iptables 2>/dev/null || "$agent" istio-iptables --cleanup-only; }

case ${1:-} in
  clean)
    clean
    exit 0
    ;;
  run) ;;
  *)
    clean
    "$agent" istio-iptables
    [ "${1:-}" != init ] || exit 0
    ;;
esac
exec sudo -E -u istio-proxy -s /bin/bash -c \
  "exec $agent proxy >>'$ISTIO_LOG_DIR/istio.log' 2>>'$ISTIO_LOG_DIR/istio.err.log'"
