import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { CliError } from '../errors/cli-error.ts';
import { CommandError } from '../system/command-error.ts';
import type { ArchiveMember, Command, CommandResult, Context, Files, Processes } from '../system/system.ts';
import { cleanupContext } from '../system/context.ts';
import { explain } from '../system/explain.ts';
import * as argv from './container-argv.ts';

export interface ImageRequest {
  /** Fully qualified, e.g. `docker.io/istio/proxyv2:1.19.3`. */
  readonly image: string;
  /** E.g. `linux/arm64`. */
  readonly platform: string;
  /** A directory on this computer. */
  readonly into: string;
  readonly members: readonly ArchiveMember[];
}

export interface ContainerTool {
  /** What the program really is (`docker` is often an alias of podman), and that it responds. @throws CliError */
  probe(context: Context): Promise<{ readonly kind: 'docker' | 'podman'; readonly version: string }>;
  /** Copies files out of an image without running it. Leaves no container behind, even on failure. */
  extractFromImage(request: ImageRequest, context: Context): Promise<void>;
  /** Pulls an image for one CPU and saves it as an archive. The image stays in the tool's store, as a cache. */
  saveImage(request: SaveRequest, context: Context): Promise<void>;
}

export interface SaveRequest extends Pick<ImageRequest, 'image' | 'platform'> {
  /** A file on this computer. */
  readonly archive: string;
}

export interface ContainerParts {
  readonly processes: Processes;
  readonly files: Pick<Files, 'makeDirectory' | 'extract' | 'remove' | 'rename'>;
  readonly config: {
    readonly lab: string;
    readonly containerTool: string;
    readonly istio: Pick<Config['istio'], 'version'>;
    readonly paths: Pick<Config['paths'], 'temp'>;
  };
}

export function createContainer({ processes, files, config }: ContainerParts): ContainerTool {
  const tool = config.containerTool;
  /** The same name each time, so that the next run finds and removes what a killed run left behind. */
  const name = `istio-vms-${config.lab}-${config.istio.version}`;

  const run = async (command: Command, context: Context): Promise<CommandResult> => {
    try {
      return await processes.run(command, context);
    } catch (thrown) {
      throw thrown instanceof CommandError ? explain(thrown) : thrown;
    }
  };

  /** Runs even after an interrupt, because it removes what this run created. */
  const removeContainer = async (context: Context): Promise<void> => {
    try {
      await processes.run(argv.removeCommand(tool, name, context.signal.aborted), cleanupContext(context));
    } catch (thrown) {
      if (!(thrown instanceof CommandError)) throw thrown;
      // docker fails on an absent container, podman does not.
      if (!/no such container/i.test(thrown.result.stderr)) throw explain(thrown);
    }
  };

  return {
    probe: async (context) => parseVersion(tool, (await run(argv.versionCommand(tool), context)).stdout),
    extractFromImage: async ({ image, platform, into, members }, context) => {
      const { say } = context;
      const archive = join(config.paths.temp, `${name}.tar`);
      // The files are moved into place last, so their presence means that the cleanup is done too.
      const waiting = `${into}.new`;
      await files.remove(waiting);
      await removeContainer(context);
      try {
        say(`fetching ${image} for ${platform}`);
        await run(argv.createCommand(tool, name, platform, image), context);
        await files.makeDirectory(config.paths.temp);
        await run(argv.exportCommand(tool, name, archive), context);
        say(`extracting ${members.map((member) => member.as).join(' and ')} from it`);
        await files.extract(archive, waiting, members);
      } finally {
        await files.remove(archive);
        await removeContainer(context).catch((thrown: unknown) => {
          // The first failure is the one to report; this one only leaves a stopped container.
          const why = thrown instanceof Error ? thrown.message : String(thrown);
          say(`warning: the container ${name} is left behind (${why}); remove it with \`${tool} rm --force ${name}\``);
        });
      }
      await files.remove(into);
      await files.rename(waiting, into);
    },
    saveImage: async ({ image, platform, archive }, context) => {
      const { say } = context;
      say(`fetching ${image} for ${platform}`);
      await run(argv.pullCommand(tool, platform, image), context);
      await files.makeDirectory(dirname(archive));
      // podman appends to an existing file, or refuses it.
      await files.remove(archive);
      say(`saving ${image}`);
      await run(argv.saveCommand(tool, archive, image), context);
    },
  };
}

/** docker writes `ApiVersion`, podman `APIVersion`. */
const versionSchema = z.object({ Client: z.object({ Version: z.string(), APIVersion: z.string().optional() }) });

function parseVersion(tool: string, stdout: string): { kind: 'docker' | 'podman'; version: string } {
  try {
    const { Client } = versionSchema.parse(JSON.parse(stdout));
    return { kind: Client.APIVersion === undefined ? 'docker' : 'podman', version: Client.Version };
  } catch (cause) {
    // docker before 23.0 took `json` for a template and printed the word itself.
    throw new CliError('tool-too-old', {
      message: `Could not parse the output of \`${tool} version --format json\`.`,
      hint: 'Install docker 23.0 or newer, or podman 3.4 or newer.',
      cause,
    });
  }
}
