#!/bin/sh
# Starts the sidecar with what place.sh has put here. Prints `started`, `restarted`, `token` or `unchanged`.
# Never waits and never starts in this session: the rules freeze sessions older than they (facts 5.6), so the start is
# queued, and whoever waits does it in sessions of its own.
set -eu
store=/var/lib/istio-vms
user=istio-proxy
root=$store/root-cert.pem
certs=/etc/certs

state=$(systemctl show istio --property=ActiveState --value)

# Certificates of another root (a cluster made anew) would be offered to an istiod that cannot know them.
root_now=$(sha256sum <"$root")
root_was=$(cat "$store/root-cert.sha256" 2>/dev/null || true)
[ "$root_now" = "$root_was" ] || rm -f "$certs/cert-chain.pem" "$certs/key.pem"
# The agent writes to this place what istiod tells it of the mesh's roots, as its own file and in its own form. Ours is
# what it begins with: when it is another one, or when the agent does not serve with the one that is there.
if [ "$root_now" != "$root_was" ] || [ "$state" != active ]; then
  install -d -m 0755 -o "$user" -g "$user" "$certs"
  install -m 0644 -o "$user" -g "$user" "$root" "$certs/.root-cert.pem.new"
  mv -f "$certs/.root-cert.pem.new" "$certs/root-cert.pem"
fi
printf '%s\n' "$root_now" >"$store/root-cert.sha256"

# Also one of another identity: `prepare` drops it once the agent that holds it has stopped.
is=$(openssl x509 -noout -ext subjectAltName -in "$certs/cert-chain.pem" 2>/dev/null | sed -n 's/.*URI:\([^, ]*\).*/\1/p')
wanted=$(sed -n 's/^ISTIO_VMS_IDENTITY="\(.*\)"$/\1/p' "$store/sidecar.env")
other_identity=no
[ -z "$is" ] || [ -z "$wanted" ] || [ "$is" = "$wanted" ] || other_identity=yes

# The agent looks istiod up at each connection, and somebody may have taken our lines out since the last start.
/usr/local/lib/istio-vms/hosts-block put

# Everything that the running agent has read, but the token, which it reads anew each time. A stamp on disk and not the
# list of changed files: a run that was cut before the restart must not be forgotten.
stamp=$store/started.istio
now=$(sha256sum /etc/systemd/system/istio.service /usr/local/lib/istio-vms/* /var/lib/istio/envoy/cluster.env \
  "$store/sidecar.env" "$store/hosts" "$store/sidecar-version" /etc/istio/config/mesh "$root" | sha256sum)
was=$(cat "$stamp" 2>/dev/null || true)

[ "$now" = "$was" ] || systemctl daemon-reload
systemctl is-enabled --quiet istio 2>/dev/null || systemctl enable --quiet istio
case $state in
  active | activating | reloading)
    if [ "$now" = "$was" ] && [ "$other_identity" = no ]; then
      token=/var/run/secrets/tokens/istio-token
      if [ ! -s "$store/istio-token" ] || cmp -s "$store/istio-token" "$token"; then
        echo unchanged
      else
        install -d -m 0755 -o "$user" -g "$user" /var/run/secrets "${token%/*}"
        install -m 0600 -o "$user" -g "$user" "$store/istio-token" "$token.new"
        mv -f "$token.new" "$token"
        echo token
      fi
      exit 0
    fi
    systemctl restart --no-block istio
    did=restarted
    ;;
  *)
    systemctl start --no-block istio
    did=started
    ;;
esac
printf '%s\n' "$now" >"$stamp.new"
mv -f "$stamp.new" "$stamp"
echo "$did"
