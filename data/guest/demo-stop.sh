#!/bin/sh
# Takes the demo workload off this machine: another application serves its port, or it is not wanted. Prints `stopped`.
set -eu
unit=istio-vms-demo
systemctl disable --quiet "$unit" 2>/dev/null || true
systemctl stop "$unit" 2>/dev/null || true
rm -f "/etc/systemd/system/$unit.service" /var/lib/istio-vms/demo.env "/var/lib/istio-vms/started.$unit"
rm -rf /var/lib/istio-vms/demo
systemctl daemon-reload
systemctl reset-failed "$unit" 2>/dev/null || true
echo stopped
