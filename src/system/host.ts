import { homedir } from 'node:os';
import { CliError } from '../errors/cli-error.ts';
import type { Cpu, Host, Platform } from './system.ts';

const PLATFORMS: Readonly<Record<string, Platform>> = { darwin: 'darwin', linux: 'linux' };
const CPUS: Readonly<Record<string, Cpu>> = { x64: 'amd64', arm64: 'arm64' };

/** The input of `currentHost`; Node's own `process` fits. */
export interface HostSource {
  readonly platform: string;
  readonly arch: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  cwd(): string;
}

/**
 * The current computer.
 * @throws CliError `tool-missing` on an operating system or CPU that the machine engines and Istio's tools do not
 * support
 */
export function currentHost(source: HostSource = process): Host {
  const platform = PLATFORMS[source.platform];
  const cpu = CPUS[source.arch];
  if (platform === undefined || cpu === undefined) {
    throw new CliError('tool-missing', {
      message: `istio-vms does not run on ${source.platform} with a CPU of type ${source.arch}: the tools that it runs do not support it.`,
      hint: 'Use macOS or Linux on amd64 or arm64; on Windows, WSL 2 with nested virtualization.',
    });
  }
  return { platform, cpu, cwd: source.cwd(), home: source.env['HOME'] ?? homedir(), env: source.env };
}
