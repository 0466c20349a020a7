import { quiet } from '../../support/context.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { asRoot, type Machine } from '../../../src/machines/machine.ts';
import { onMachines } from '../support/on-machines.ts';

/**
 * Prints what a machine is allowed to do, one line `name yes` or `name no` each. Settings that the host shares are written
 * with their current value, so that nothing changes.
 */
const ABILITIES = `
try() { if (eval "$2") >/dev/null 2>&1; then echo "$1 yes"; else echo "$1 no"; fi; }
same() { cat "/proc/sys/$1" >"/proc/sys/$1"; }
base=$(mktemp -d /var/lib/abilities.XXXXXX); cd "$base"; mkdir lower upper work merged
try 'kernel log' 'test -c /dev/kmsg && dd if=/dev/kmsg of=/dev/null count=1 iflag=nonblock'
try 'vm settings' 'same vm/overcommit_memory'
try 'kernel settings' 'same kernel/panic'
try 'device nodes' 'mknod null c 1 3'
try 'overlay' 'mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged && umount merged'
try 'shared mounts' 'unshare --mount mount --make-rshared /'
try 'vxlan' 'ip link add abilities0 type vxlan id 7 dstport 8472 && ip link delete abilities0'
try 'redirect' 'iptables -t nat -A OUTPUT -p tcp -m owner --uid-owner 1337 -j REDIRECT --to-ports 15001'
try 'connection tracking' 'iptables -t mangle -A PREROUTING -m conntrack --ctstate INVALID -j DROP'
try 'own forwarding' 'echo 1 >/proc/sys/net/ipv4/ip_forward'
try 'transient services' 'systemd-run --quiet --wait --uid=ubuntu true'
cd /; rm -r "$base"
`;

const abilities = async (machine: Machine): Promise<Readonly<Record<string, string>>> => {
  const { stdout } = await machine.run(asRoot({ file: 'sh', args: ['-c', ABILITIES], effect: 'write' }), quiet);
  const lines = stdout.trim().split('\n');
  return Object.fromEntries(
    lines.map((line) => /^(.*) (yes|no)$/.exec(line)?.slice(1) ?? [line, '?']) as [string, string][],
  );
};

// Checks the effect of the settings in src/machines/incus/launch-settings.ts.
onMachines('incus', 'containers of Incus', (lab) => {
  const may: Record<'node' | 'workload', Readonly<Record<string, string>>> = { node: {}, workload: {} };
  beforeAll(async () => {
    const { master } = lab().config.k3s;
    const machines = await Promise.all([lab().launch(master), lab().launch(lab().config.workloads[0].name)]);
    const [node, workload] = await Promise.all(machines.map(abilities));
    may.node = node ?? {};
    may.workload = workload ?? {};
  });

  it('allow k3s on a node everything that it needs', () => {
    expect(may.node).toEqual(Object.fromEntries(Object.keys(may.node).map((name) => [name, 'yes'])));
    expect(Object.keys(may.node)).toHaveLength(11);
  });

  it('allow a sidecar what it needs and protect the kernel of the host', () => {
    expect(may.workload).toMatchObject({
      ...{ 'kernel log': 'no', 'vm settings': 'no', 'kernel settings': 'no', 'device nodes': 'no' },
      ...{ redirect: 'yes', 'connection tracking': 'yes', 'own forwarding': 'yes', 'transient services': 'yes' },
    });
  });

  describe('the label', () => {
    it('names the lab and alone identifies its machines', async () => {
      const found = await lab().engine.list(quiet);
      const ours = found.filter((each) => each.lab === lab().name).map(({ name }) => name);
      expect(ours.sort()).toEqual([lab().config.k3s.master, lab().config.workloads[0].name].sort());
    });
  });
});
