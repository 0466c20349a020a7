import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLIENT = fileURLToPath(new URL('stand-in.mjs', import.meta.url));

/** Programs that the CLI looks for on PATH. istioctl is not among them: the CLI downloads it. */
export const TOOLS = ['multipass', 'kubectl', 'docker', 'podman'] as const;
export type Tool = (typeof TOOLS)[number];

/**
 * The script of an executable that forwards its calls to the simulated world at `socket`.
 * @param standsFor the description of the file that it stands for; see `src/rehearsal/stand-in.ts`
 */
export function standIn(tool: string, socket: string, standsFor = ''): string {
  const words = [process.execPath, CLIENT, socket, tool].map((word) => `'${word}'`).join(' ');
  return `#!/bin/sh\nexec ${words} "$0" "$@"\n# ${standsFor}\n`;
}

/** The description in a stand-in; returns other content unchanged. */
export function standsFor(content: Uint8Array | undefined): Uint8Array | undefined {
  const text = Buffer.from(content ?? []).toString('utf8');
  const description = text.startsWith('#!/bin/sh\nexec ')
    ? text.trimEnd().split('\n').at(-1)?.slice('# '.length)
    : undefined;
  return description === undefined ? content : Buffer.from(`${description}\n`);
}

/** Replaces the content of a directory by stand-ins for these tools. */
export async function installTools(directory: string, socket: string, tools: readonly Tool[]): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  for (const tool of tools) {
    const path = join(directory, tool);
    await writeFile(path, standIn(tool, socket));
    await chmod(path, 0o755);
  }
}
