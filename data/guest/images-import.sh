#!/bin/sh
# Imports image archives that were just copied to this machine into a k3s that runs; one that does not run reads them when
# it starts. Prints `imported PATH` for each. An archive that is not imported is removed, so that the next run of istio-vms
# copies and imports it again.
set -eu
# Compressed archives are k3s' own images. They belong to a version, and a new version is started anew.
archives=$(printf '%s\n' "$CHANGED" | grep '\.tar$' || true)
importing=
trap '[ -z "$importing" ] || rm -f "$importing"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
for unit in k3s k3s-agent; do
  [ "$(systemctl show "$unit" --property=ActiveState --value)" = active ] || continue
  while IFS= read -r importing; do
    [ -n "$importing" ] || continue
    k3s ctr images import "$importing" >/dev/null
    printf 'imported %s\n' "$importing"
  done <<EOF
$archives
EOF
  importing=
done
