import { execa } from 'execa';
import type { Computer } from './computer.ts';
import type { Guest } from './guest.ts';

const READY = `curl --silent --output /dev/null --write-out '%{http_code}' --max-time 2 http://127.0.0.1:15021/healthz/ready`;

/** Waits until the sidecar is ready. */
export async function ready(guest: Guest, seconds = 60): Promise<void> {
  await guest.until(`[ "$(${READY})" = 200 ]`, seconds, 'journalctl --unit istio --no-pager --lines 20');
}

/** A property of the unit, e.g. `InvocationID`, which changes at every start. */
export const unit = (guest: Guest, property: string): Promise<string> =>
  guest.sh('systemctl show istio --property="$1" --value', property);

/**
 * Rules in the nat table as iptables-save prints them: those of the backend that has Istio's rules
 * (docs/facts/real-mesh.md 6.9), or those of both backends if neither has. Legacy tables are read only if they exist,
 * since reading creates them.
 */
export async function rules(guest: Guest): Promise<readonly string[]> {
  const [nft = [], legacy = []] = await Promise.all(
    ['iptables-nft-save', '! grep -q . /proc/net/ip_tables_names || iptables-legacy-save'].map(async (save) => {
      const script = `{ ${save}; } | awk '/^\\*/ { table = $0 } table == "*nat" && /^-A/'`;
      return (await guest.sh(script)).split('\n').filter((line) => line !== '');
    }),
  );
  return [nft, legacy].find((all) => all.some((rule) => rule.includes('ISTIO_'))) ?? [...nft, ...legacy];
}

/** Mode, owner and group of each path, as `0644 root:root`. */
export async function owners(guest: Guest, paths: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const lines = (await guest.sh(`stat -L -c '%04a %U:%G %n' "$@"`, ...paths)).split('\n');
  return Object.fromEntries(lines.map((line) => [line.split(' ')[2], line.split(' ').slice(0, 2).join(' ')]));
}

/** An open session of the engine that prints a line every 0.2 s. */
export interface Session {
  /** Whether output arrives within this many seconds. */
  readonly hasOutput: (seconds: number) => Promise<boolean>;
  readonly close: () => Promise<void>;
}

export async function openSession({ env, cwd, set, vm }: Computer): Promise<Session> {
  const [file, ...args] =
    set['MACHINE_ENGINE'] === 'incus'
      ? ['incus', 'exec', '--quiet', '--project', set['INCUS_PROJECT'] ?? '', vm, '--mode', 'non-interactive', '--']
      : ['multipass', 'exec', '-n', vm, '--'];
  const child = execa(file, [...args, 'sh', '-c', 'while sleep 0.2; do echo here; done'], {
    cwd,
    env,
    extendEnv: false,
    stdin: 'ignore',
    buffer: false,
    // In its own process group, so that close() can also kill the child process of the engine's client.
    detached: true,
    reject: false,
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
  const hasOutput = (seconds: number): Promise<boolean> =>
    new Promise((resolve) => {
      const end = (received: boolean) => () => {
        clearTimeout(timer);
        child.stdout.off('data', onData);
        resolve(received);
      };
      const onData = end(true);
      const timer = setTimeout(end(false), seconds * 1000);
      child.stdout.on('data', onData);
    });
  if (!(await hasOutput(30))) throw new Error(`a session on ${vm} prints nothing`);
  return {
    hasOutput,
    close: async () => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await child;
    },
  };
}
