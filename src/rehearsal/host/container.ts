import { posix } from 'node:path';
import { packTar } from '../../system/archives.ts';
import { CONTAINER_CALL, CONTAINER_EXPORT, CONTAINER_PULL } from '../durations.ts';
import { istioRow, nearestKnownMinor } from '../../config/versions.ts';
import { containerdName, pullTime } from '../cluster/images.ts';
import { digestOf, standInBytes } from '../stand-in.ts';
import { isFaultOn } from '../fault-state.ts';
import type { Cpu } from '../../system/system.ts';
import type { HostCall, HostProgram, ProgramResult, World } from '../world.ts';

/** Simulated docker and podman (`call.command.file` says which): create, export, remove; pull, save. */
export const container: HostProgram = async (call) => {
  const tool = posix.basename(call.command.file);
  const [verb, ...args] = call.args;
  const action = { version, create, export: exportTar, rm: remove, pull, save }[verb ?? ''];
  await call.world.clock.sleep(CONTAINER_CALL, call.signal);
  const result = await action?.(call, tool, args);
  if (result !== undefined) return result;
  const what = call.args.join(' ');
  return { exitCode: 125, stderr: `unknown command or flag: ${tool} ${what}\n`, refused: `${tool} ${what}` };
};

/** Returns undefined for a form that is not supported. */
type Action = (call: HostCall, tool: string, args: readonly string[]) => Promise<ProgramResult | undefined>;

const version: Action = async ({ world }, tool, args) => {
  if (args.join(' ') !== '--format json') return undefined;
  const platform = { Os: 'linux', Arch: world.host.cpu };
  const answer =
    tool === 'podman'
      ? { Client: { APIVersion: '5.2.5', Version: '5.2.5', OsArch: `linux/${world.host.cpu}` } }
      : { Client: { Version: '27.3.1', ApiVersion: '1.47', ...platform }, Server: { Version: '27.3.1', ...platform } };
  return { exitCode: 0, stdout: `${JSON.stringify(answer)}\n` };
};

const create: Action = async ({ world, signal }, tool, args) => {
  const [nameFlag, name, platformFlag, platform, image, ...more] = args;
  if (
    nameFlag !== '--name' ||
    platformFlag !== '--platform' ||
    platform !== 'linux/arm64' ||
    image === undefined ||
    more.length > 0
  ) {
    return undefined;
  }
  if (name === undefined || !/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) {
    return { exitCode: 125, stderr: `${tool}: Invalid container name (${name ?? ''})\n` };
  }
  if (world.containers.has(name)) return { exitCode: 125, stderr: conflict(tool, name) };
  await world.clock.sleep(CONTAINER_PULL / 2, signal);
  CRASH_POINT: await world.crashPoints?.at(`${tool} create: image half pulled`);
  await world.clock.sleep(CONTAINER_PULL / 2, signal);
  if (proxyVersion(world, image) === undefined) {
    return {
      exitCode: 125,
      stderr: `Error response from daemon: manifest for ${image} not found: manifest unknown: manifest unknown\n`,
    };
  }
  world.containers.set(name, image);
  return { exitCode: 0, stdout: `${world.token(32)}\n` };
};

function conflict(tool: string, name: string): string {
  return tool === 'podman'
    ? `Error: creating container storage: the container name "${name}" is already in use. You have to remove that container to be able to reuse that name: that name is already in use\n`
    : `docker: Error response from daemon: Conflict. The container name "/${name}" is already in use. You have to remove (or rename) that container to be able to reuse that name.\n`;
}

const exportTar: Action = async ({ world, files, signal }, tool, args) => {
  const [outputFlag, output, name, ...more] = args;
  if (outputFlag !== '--output' || output === undefined || name === undefined || more.length > 0) return undefined;
  const image = world.containers.get(name);
  if (image === undefined) return { exitCode: 1, stderr: missing(tool, name) };
  await world.clock.sleep(CONTAINER_EXPORT, signal);
  const version = proxyVersion(world, image) ?? '';
  const standIn = (artifact: string): Uint8Array => standInBytes({ artifact, version, cpu: 'arm64' });
  const tar = await packTar([
    { name: 'etc/os-release', content: 'NAME="Ubuntu"\n', mode: 0o644 },
    { name: 'usr/local/bin/envoy', content: standIn('envoy'), mode: 0o755 },
    { name: 'usr/local/bin/pilot-agent', content: standIn('pilot-agent'), mode: 0o755 },
    { name: 'var/lib/istio/envoy/envoy_bootstrap_tmpl.json', content: standIn('envoy-bootstrap'), mode: 0o644 },
  ]);
  CRASH_POINT: if (world.crashPoints !== undefined) {
    await files.write(output, tar.subarray(0, tar.length / 2), 0o600);
    await world.crashPoints.at(`${tool} export: half of the tar`);
  }
  await files.write(output, tar, 0o600);
  return { exitCode: 0 };
};

const remove: Action = async ({ world }, tool, args) => {
  const [force, name, ...more] = args;
  if (force !== '--force' || name === undefined || more.length > 0) return undefined;
  if (world.containers.delete(name)) return { exitCode: 0, stdout: `${name}\n` };
  return tool === 'podman' ? { exitCode: 0 } : { exitCode: 1, stderr: missing(tool, name) };
};

const pull: Action = async ({ world, signal }, tool, args) => {
  const [platformFlag, platform, image, ...more] = args;
  const cpu = /^linux\/(amd64|arm64)$/.exec(platform ?? '')?.[1];
  if (platformFlag !== '--platform' || cpu === undefined || image === undefined || more.length > 0) return undefined;
  const name = containerdName(image);
  if (pullTime(image) === undefined) {
    return { exitCode: 1, stderr: `Error response from daemon: manifest for ${image} not found: manifest unknown\n` };
  }
  if (isFaultOn(world, 'offline')) {
    const host = name.slice(0, name.indexOf('/'));
    return {
      exitCode: 1,
      stderr: `Error response from daemon: Get "https://${host}/v2/": dial tcp: lookup ${host}: no such host\n`,
    };
  }
  await world.clock.sleep(CONTAINER_PULL, signal);
  world.containerImages.set(name, cpu as Cpu);
  return { exitCode: 0, stdout: `${tool === 'podman' ? world.token(32) : name}\n` };
};

/** The archive that `save` writes: docker omits the default registry from a name, podman never does. */
const save: Action = async ({ world, files, signal }, tool, args) => {
  const [outputFlag, output, image, ...more] = args;
  if (outputFlag !== '--output' || output === undefined || image === undefined || more.length > 0) return undefined;
  const name = containerdName(image);
  const cpu = world.containerImages.get(name);
  if (cpu === undefined)
    return { exitCode: 1, stderr: `Error response from daemon: reference does not exist: ${image}\n` };
  await world.clock.sleep(CONTAINER_EXPORT, signal);
  const layer = standInBytes({ artifact: `layer of ${name}`, version: '1', cpu, size: LAYER_BYTES });
  const config = Buffer.from(
    JSON.stringify({ architecture: cpu, os: 'linux', rootfs: { type: 'layers', diff_ids: [name] } }),
  );
  const configName = `${digestOf(config)}.json`;
  const tag = tool === 'docker' ? name.replace(/^docker\.io\/(library\/)?/, '') : name;
  const list = [{ Config: configName, RepoTags: [tag], Layers: ['layer.tar'] }];
  const tar = await packTar([
    { name: 'layer.tar', content: layer, mode: 0o644 },
    { name: configName, content: config, mode: 0o644 },
    { name: 'manifest.json', content: JSON.stringify(list), mode: 0o644 },
  ]);
  await files.write(output, tar, 0o600);
  return { exitCode: 0 };
};

/** A layer of an ordinary image. Estimate. */
const LAYER_BYTES = 60_000_000;

const missing = (tool: string, name: string): string =>
  tool === 'podman'
    ? `Error: no container with name or ID "${name}" found: no such container\n`
    : `Error response from daemon: No such container: ${name}\n`;

const PROXY = /^(?:docker\.io\/istio|istio)\/proxyv2:(1\.\d+)\.(\d+)$/;

/** The Istio version of a proxyv2 image that exists for arm64 (docs/facts/istio-vm.md 1.5). */
function proxyVersion(world: World, image: string): string | undefined {
  const [, minor = '', patch] = PROXY.exec(image) ?? [];
  if (patch === undefined) return undefined;
  const { versions } = world.shipped;
  const version = `${minor}.${patch}`;
  if (nearestKnownMinor(version, versions) !== undefined) return version;
  const last = istioRow(version, versions)?.lastPatch.split('.')[2];
  return last !== undefined && Number(patch) <= Number(last) ? version : undefined;
}
