#!/bin/sh
# Hands image archives that were just put in place to a k3s that runs. One that does not run reads them when it starts.
# Prints `imported PATH` for each.
set -eu
# A compressed archive is of k3s' own images: those come with its version, and a new version is a new start.
archives=$(printf '%s\n' "$CHANGED" | grep '\.tar$' || true)
for unit in k3s k3s-agent; do
  [ "$(systemctl show "$unit" --property=ActiveState --value)" = active ] || continue
  printf '%s\n' "$archives" | while IFS= read -r archive; do
    [ -n "$archive" ] || continue
    k3s ctr images import "$archive" >/dev/null
    printf 'imported %s\n' "$archive"
  done
done
