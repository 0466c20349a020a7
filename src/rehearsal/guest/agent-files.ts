import type { Instance } from '../world.ts';
import { makeDirectory, mayCreateIn } from './files.ts';

const USER = 'istio-proxy';
const SDS = 'var/run/secrets/workload-spiffe-uds';
const XDS = 'etc/istio/proxy/XDS';

/**
 * A file that the agent's user cannot write, in the words of the agent's journal (docs/facts/real-mesh.md 6.2,
 * pilot-agent 1.30).
 */
export interface AgentFilesProblem {
  readonly lines: readonly string[];
  /** Set when the agent exits; otherwise it runs on without ever becoming ready. */
  readonly fatal?: string;
}

/** Without the XDS socket the agent exits; without the socket for certificates Envoy waits without end. */
export function agentSocketProblem(instance: Instance): AgentFilesProblem | undefined {
  if (!mayCreateIn(instance, '/etc/istio/proxy', USER)) {
    const text = `failed to start xds proxy: failed to listen on unix socket "${XDS}": listen unix ${XDS}: bind: permission denied`;
    return { lines: [], fatal: `Error: ${text}` };
  }
  if (mayCreateIn(instance, `/${SDS}`, USER)) return undefined;
  return {
    lines: [
      `warn\tFailed to create directory for ${SDS}/socket: mkdir ${SDS}: permission denied`,
      `error\tsds\tSDS grpc server for workload proxies failed to set up UDS: failed to listen on unix socket "${SDS}/socket": listen unix ${SDS}/socket: bind: no such file or directory`,
    ],
  };
}

/** Whether the agent may keep its certificate in /etc/certs. */
export function mayKeepCertificate(instance: Instance): boolean {
  return mayCreateIn(instance, '/etc/certs', USER);
}

/** Creates the directories of a shipped script: its own `install -d` lines, parsed as the shell does. */
export function installDirectories(instance: Instance, script: string): void {
  const line = /^ *install -d -m (\d{4})( -o "\$user" -g "\$user")? (.+)$/gm;
  for (const [, mode = '0755', owned, paths = ''] of script.matchAll(line)) {
    for (const path of paths.split(' ')) {
      makeDirectory(instance, path, { mode: Number.parseInt(mode, 8), owner: owned === undefined ? 'root' : USER });
    }
  }
}
