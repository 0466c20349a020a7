#!/bin/sh
# Starts k3s (argument `k3s`) or joins it (`k3s-agent`). Prints `started`, `restarted` or `unchanged`.
# Never waits: an agent whose server does not answer would block `systemctl start` indefinitely (docs/facts/k3s.md 2.2).
set -eu
unit=$1
case $unit in
  k3s | k3s-agent) ;;
  *) echo "k3s-start: unknown unit $unit" >&2 && exit 2 ;;
esac
config=/etc/rancher/k3s
token=$config/agent-token

# The password with which agents join is made on the server and is born closed; the server's own token never leaves it.
if [ "$unit" = k3s ] && [ ! -s "$token" ]; then
  (
    umask 077
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$token.new"
  )
  mv -f "$token.new" "$token"
fi

# Restart if and only if what runs differs from what is here. A stamp on disk, not the list of files that this call
# happened to change: after a run that was cut between placing and starting, the next run still knows.
stamp=/var/lib/istio-vms/started.$unit
mkdir -p "${stamp%/*}"
now=$(sha256sum /usr/local/bin/k3s "$config/config.yaml" "$token" "/etc/systemd/system/$unit.service" | sha256sum)
was=$(cat "$stamp" 2>/dev/null || true)
state=$(systemctl show "$unit" --property=ActiveState --value)

[ "$now" = "$was" ] || systemctl daemon-reload
systemctl is-enabled --quiet "$unit" 2>/dev/null || systemctl enable --quiet "$unit"
case $state in
  active | activating | reloading)
    if [ "$now" = "$was" ]; then
      echo unchanged
      exit 0
    fi
    systemctl restart --no-block "$unit"
    did=restarted
    ;;
  *)
    systemctl start --no-block "$unit"
    did=started
    ;;
esac
printf '%s\n' "$now" >"$stamp.new"
mv -f "$stamp.new" "$stamp"
echo "$did"
