#!/bin/sh
# Starts the demo workload. Prints `started`, `restarted` or `unchanged`.
set -eu
unit=istio-vms-demo
stamp=/var/lib/istio-vms/started.$unit
# The page is read at each request; only the unit and its port need a restart.
now=$(sha256sum "/etc/systemd/system/$unit.service" /var/lib/istio-vms/demo.env | sha256sum)
was=$(cat "$stamp" 2>/dev/null || true)
state=$(systemctl show "$unit" --property=ActiveState --value)

[ "$now" = "$was" ] || systemctl daemon-reload
systemctl is-enabled --quiet "$unit" 2>/dev/null || systemctl enable --quiet "$unit"
case $state in
  active | activating)
    if [ "$now" = "$was" ]; then
      echo unchanged
      exit 0
    fi
    systemctl restart "$unit"
    did=restarted
    ;;
  *)
    systemctl start "$unit"
    did=started
    ;;
esac
printf '%s\n' "$now" >"$stamp.new"
mv -f "$stamp.new" "$stamp"
echo "$did"
