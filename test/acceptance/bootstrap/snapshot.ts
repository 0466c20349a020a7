import type { Guest } from './guest.ts';

/**
 * Everything on a machine that an installation could leave behind, one per line: files with type, mode, owner and
 * digest, users, units, packages, iptables rules.
 */
export async function snapshot(guest: Guest): Promise<readonly string[]> {
  return (await guest.sh(SCRIPT)).split('\n').filter((line) => line !== '');
}

/**
 * Excludes files that the system itself changes (logs, journals, timers, caches, backups of the user database, the marker
 * of sudo's first use, Python's byte code) and dpkg's database, since packages are listed separately.
 */
const SCRIPT = `set -eu
LC_ALL=C
export LC_ALL
cd /
find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /root/.cache \\
  -o -path /var/log -o -path /var/cache/apt -o -path /var/cache/debconf -o -path /var/cache/ldconfig \\
  -o -path /var/lib/apt -o -path /var/lib/cloud -o -path /var/lib/dpkg -o -path /var/lib/systemd -o -path /var/tmp \\
  -o -name .sudo_as_admin_successful -o -name __pycache__ -o -path '/etc/*-' -o -path /etc/.pwd.lock -o -path /etc/ld.so.cache -o -path /etc/machine-id \\) -prune \\
  -o -type f -print -o -printf 'path %y %m %u:%g %p %l\\n' >/run/snapshot.paths
grep -v '^path ' /run/snapshot.paths | tr '\\n' '\\0' | xargs -0 stat -c 'file %a %U:%G %n' | sort
grep '^path ' /run/snapshot.paths | sort
grep -v '^path ' /run/snapshot.paths | grep -E '^/(etc|usr/local|lib/systemd|var/lib/istio)' | tr '\\n' '\\0' | xargs -0 sha256sum | sort -k 2
rm /run/snapshot.paths
ls -d /var/log/istio /run/secrets 2>/dev/null || true
getent passwd | sed 's/^/user /'
getent group | sed 's/^/group /'
systemctl list-unit-files --no-legend --plain | sed 's/^/unit /'
systemctl list-units --no-legend --plain --state=failed | sed 's/^/failed /'
dpkg-query --show --showformat 'package \${Package} \${Version} \${Status}\\n'
for tables in iptables ip6tables iptables-legacy ip6tables-legacy; do
  $tables-save | grep -E '^-A|^:[^ ]+ -' | sed "s/^/$tables /" || true
done
`;
