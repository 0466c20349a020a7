import { createServer } from 'node:http';
import { rm } from 'node:fs/promises';
import type { Place } from './place.ts';
import { createService, type Service } from './service.ts';

/** Socket on the machine that the stand-in for systemctl connects to. */
const SOCKET = '/var/lib/stand-in-systemd.sock';

/** Sends its arguments to this process; the first line of the response is the exit code, the rest its output. */
const SYSTEMCTL = `#!/bin/sh
answer=$(printf '%s\\n' "$@" | curl --silent --show-error --data-binary @- --unix-socket ${SOCKET} http://systemd/) || exit 1
printf '%s' "$answer" | sed 1d
exit "$(printf '%s' "$answer" | head -n 1)"
`;

/** A stand-in for sudo; the caller is root already. */
const SUDO = `#!/bin/sh
[ "\${1:-}" != --version ] || { echo 'Sudo version 1.9 (stand-in)'; exit 0; }
exec "$@"
`;

/** The units of a place, which `systemctl` in the place controls. */
export interface Systemd {
  readonly service: (name: string) => Service;
  /** Starts all enabled units without waiting, as at boot. */
  boot(): void;
}

/** Installs stand-ins for systemctl and, if it is missing, sudo in the place. */
export async function createSystemd(place: Place, logs: string): Promise<Systemd> {
  const services = new Map<string, Service>();
  const enabled = new Set<string>();
  const service = (name: string): Service => {
    const known = services.get(name) ?? createService(place, name, `${logs}/${place.name}.${name}.log`);
    services.set(name, known);
    return known;
  };

  const answer = async (args: readonly string[]): Promise<{ code: number; output?: string }> => {
    const [verb = '', ...rest] = args;
    const options = rest.filter((each) => each.startsWith('-'));
    const names = rest.filter((each) => !each.startsWith('-'));
    const [name = ''] = names;
    const asked = [verb, String(names.length), ...options].join(' ');
    switch (asked) {
      case 'daemon-reload 0':
        return { code: 0 };
      case 'show 1 --property=ActiveState --value':
        return { code: 0, output: `${service(name).state()}\n` };
      case 'show 1 --property=MainPID --value':
        return { code: 0, output: `${service(name).mainPid() ?? 0}\n` };
      case 'show 1 --property=NRestarts --value':
        return { code: 0, output: `${service(name).restarts()}\n` };
      case 'show 1 --property=InvocationID --value':
        return { code: 0, output: `${service(name).invocation()}\n` };
      case 'is-enabled 1':
        return { code: enabled.has(name) ? 0 : 1, output: enabled.has(name) ? 'enabled\n' : 'disabled\n' };
      case 'is-enabled 1 --quiet':
        return { code: enabled.has(name) ? 0 : 1 };
      case 'enable 1 --quiet':
        enabled.add(name);
        return { code: 0 };
      case 'start 1':
        return { code: (await service(name).start()) ? 0 : 1 };
      case 'start 1 --no-block':
        void service(name).start();
        return { code: 0 };
      case 'stop 1':
        await service(name).stop();
        return { code: 0 };
      case 'restart 1':
        await service(name).stop();
        return { code: (await service(name).start()) ? 0 : 1 };
      case 'restart 1 --no-block':
        void service(name)
          .stop()
          .then(() => service(name).start());
        return { code: 0 };
      default:
        return { code: 1, output: `the stand-in for systemctl does not know: ${args.join(' ')}\n` };
    }
  };

  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      void answer(text.trimEnd().split('\n')).then(
        ({ code, output = '' }) => response.end(`${String(code)}\n${output}`),
        (error: unknown) => response.end(`1\n${String(error)}\n`),
      );
    });
  });
  await rm(`${place.root}${SOCKET}`, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(`${place.root}${SOCKET}`, resolve);
  });
  await place.sh('rm -f /usr/bin/systemctl');
  await place.write('/usr/bin/systemctl', SYSTEMCTL, 0o755);
  if ((await place.sh('command -v sudo || true')) === '') await place.write('/usr/bin/sudo', SUDO, 0o755);
  return {
    service,
    boot: () => {
      for (const name of enabled) void service(name).start();
    },
  };
}
