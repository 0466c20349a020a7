#!/bin/sh
# Starts the demo workload and waits until it listens. Prints `started`, `restarted` or `unchanged`.
# exit  23 it does not listen; its journal is on stderr
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
# A program that was executed does not serve yet: a port that is taken shows a moment later.
port=$(sed -n 's/^ISTIO_VMS_DEMO_PORT="\{0,1\}\([0-9]*\).*/\1/p' /var/lib/istio-vms/demo.env)
tries=0
until ss -Hltnp "sport = :$port" | grep -q "pid=$(systemctl show "$unit" --property=MainPID --value),"; do
  tries=$((tries + 1))
  if [ "$tries" -ge 40 ] || [ "$(systemctl show "$unit" --property=NRestarts --value)" -ge 2 ]; then
    journalctl --unit "$unit" --no-pager --lines 20 --output cat | grep -E '^[A-Za-z]*Error|^/' >&2 || true
    echo "demo-start: the demo workload does not listen on port $port" >&2
    exit 23
  fi
  sleep 0.5
done
printf '%s\n' "$now" >"$stamp.new"
mv -f "$stamp.new" "$stamp"
echo "$did"
