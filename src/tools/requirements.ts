import semver from 'semver';
import { CliError } from '../errors/cli-error.ts';
import type { Reason } from '../errors/reasons.ts';
import type { Platform } from '../system/system.ts';

/** A program that users install themselves, and its minimum version. */
export interface ToolRequirement {
  readonly name: string;
  readonly floor: string;
  /** Why older versions do not work. */
  readonly because: string;
  readonly install: Readonly<Record<Platform, string>>;
}

export type HostTool = 'kubectl' | 'docker' | 'podman';

/** Programs that are needed with any engine; istioctl is not listed, because istio-vms downloads it. */
export const TOOLS: Readonly<Record<HostTool, ToolRequirement>> = {
  kubectl: {
    name: 'kubectl',
    floor: '1.22.0',
    because: 'server-side apply is stable since then',
    install: { darwin: 'brew install kubectl', linux: 'sudo snap install kubectl --classic' },
  },
  docker: {
    name: 'docker',
    floor: '23.0.0',
    because: 'it understands `--format json` since then',
    install: { darwin: 'brew install --cask docker', linux: 'https://docs.docker.com/engine/install/' },
  },
  podman: {
    name: 'podman',
    floor: '3.4.0',
    because: 'older ones choose the wrong CPU for an image',
    install: { darwin: 'brew install podman', linux: 'sudo apt-get install podman' },
  },
};

/** A tool and how to get its version. */
export interface Requirement {
  readonly tool: ToolRequirement;
  /**
   * Returns the version, and what the program really is when that may differ: `docker` is podman on many computers.
   * @throws CliError when it is missing or does not respond
   */
  readonly probe: () => Promise<string | { readonly tool: ToolRequirement; readonly version: string }>;
}

interface Problem {
  readonly reason: Reason;
  readonly text: string;
}

/**
 * Checks all tools in parallel and reports all problems at once.
 * @throws CliError `tool-missing`, `tool-too-old`, `engine-unavailable` or the error of a single probe
 */
export async function checkRequirements(requirements: readonly Requirement[], platform: Platform): Promise<void> {
  const found = await Promise.all(requirements.map((each) => problemOf(each, platform)));
  const problems = found.filter((problem) => problem !== undefined);
  const [first] = problems;
  if (first === undefined) return;
  const reason = problems.find((problem) => problem.reason === 'tool-missing')?.reason ?? first.reason;
  throw new CliError(reason, {
    message:
      problems.length === 1 ? 'A required tool is not ready.' : `${problems.length} required tools are not ready.`,
    details: problems.map((problem) => problem.text),
    hint: 'Fix this, then re-run the same command. `--rehearse` needs none of them.',
  });
}

async function problemOf({ tool, probe }: Requirement, platform: Platform): Promise<Problem | undefined> {
  const install = tool.install[platform];
  try {
    const answer = await probe();
    const { tool: real, version } = typeof answer === 'string' ? { tool, version: answer } : answer;
    const { name, floor, because } = real;
    if (!isOlder(version, floor)) return undefined;
    return {
      reason: 'tool-too-old',
      text: `${name} ${version} is too old: ${floor} is the oldest that works (${because}). Install: ${install}`,
    };
  } catch (thrown) {
    if (!(thrown instanceof CliError)) throw thrown;
    // An interrupt is not a problem of a tool.
    if (thrown.reason === 'interrupted') throw thrown;
    if (thrown.reason === 'tool-missing')
      return { reason: 'tool-missing', text: `${tool.name} is not on the PATH. Install: ${install}` };
    return {
      reason: thrown.reason,
      text: [`${tool.name}: ${thrown.message}`, thrown.facts.hint].filter(Boolean).join(' '),
    };
  }
}

/** Ignores suffixes such as `+mac` or `-dev.12`; a version that cannot be parsed counts as new enough. */
function isOlder(version: string, floor: string): boolean {
  const plain = semver.coerce(version);
  return plain !== null && semver.lt(plain, floor);
}
