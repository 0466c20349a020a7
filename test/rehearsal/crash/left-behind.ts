import { dirname } from 'node:path/posix';
import { clusterOf } from '../../../src/rehearsal/cluster/kube.ts';
import type { Rehearsal } from '../../../src/rehearsal/index.ts';

/** What a successful run must not leave: commands that the simulated world rejected, containers and temporary files. */
export function leftBehind({ world, files }: Rehearsal): readonly string[] {
  const found: string[] = world.refused.map((what) => `rejected by the simulated world: ${what}`);
  for (const name of world.containers.keys()) if (name !== 'foreign') found.push(`container ${name}`);
  for (const path of files.nodes.keys()) {
    if (/\/\..+\.tmp$|\.(part|mismatch|lock)$|\.new(\/|$)|\.tar$/.test(path)) found.push(`host file ${path}`);
  }
  for (const instance of world.engine.instances.values()) {
    for (const path of instance.files.keys()) {
      if (/istio-vms-(stage|new)|\.new$/.test(path)) found.push(`${instance.name}: ${path}`);
    }
  }
  return found;
}

const TRACES = ['eyJ', 'client-key-data: '];
const SECRETS = [/eyJ[\w-]+\.[\w-]+\.[\w-]+/, /client-key-data: \S/];

/** Secrets that other users could read now, on the host or on a machine: one line each. */
export function exposedSecrets({ world, files }: Rehearsal): readonly string[] {
  const cluster = clusterOf(world);
  const password = cluster?.agentToken.split('::node:')[1];
  const isSecret = (content: string | Uint8Array): boolean => {
    const bytes =
      typeof content === 'string' ? content : Buffer.from(content.buffer, content.byteOffset, content.length);
    if (password !== undefined && bytes.includes(password)) return true;
    // Most files are large and contain none of these, so that the slow patterns are matched only with those that do.
    return TRACES.some((trace) => bytes.includes(trace)) && SECRETS.some((pattern) => pattern.test(bytes.toString()));
  };
  const found: string[] = [];
  for (const [path, node] of files.nodes) {
    if (node.kind !== 'file') continue;
    // Logs are meant to be shared, so that a secret in them counts whatever their mode.
    const [isLog, isOpen] = [path.endsWith('.log'), (node.mode & 0o044) !== 0 && reachable(path)];
    if ((!isLog && !isOpen) || !isSecret(node.content)) continue;
    found.push(isLog ? `host log ${path} contains a secret` : `host file ${path} (${node.mode.toString(8)})`);
  }
  for (const { name, files: guest } of world.engine.instances.values()) {
    for (const [path, { content, mode }] of guest) {
      if ((mode & 0o044) !== 0 && isSecret(content)) found.push(`${name}: ${path} (${mode.toString(8)})`);
    }
  }
  return found;

  function reachable(path: string): boolean {
    for (let at = dirname(path); at !== '/'; at = dirname(at)) {
      const node = files.nodes.get(at);
      if (node?.kind === 'directory' && (node.mode & 0o011) === 0) return false;
    }
    return true;
  }
}
