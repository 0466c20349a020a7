import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLIENT = fileURLToPath(new URL('stand-in.mjs', import.meta.url));

/** Programs that are looked for on PATH; istioctl is not, it comes out of a downloaded archive. */
export const TOOLS = ['multipass', 'kubectl', 'docker', 'podman'] as const;
export type Tool = (typeof TOOLS)[number];

/**
 * An executable that is only a name: the call goes to the world behind `socket`.
 * @param standsFor what a file of the world says about itself; see `src/rehearsal/stand-in.ts`
 */
export function standIn(tool: string, socket: string, standsFor = ''): string {
  const words = [process.execPath, CLIENT, socket, tool].map((word) => `'${word}'`).join(' ');
  return `#!/bin/sh\nexec ${words} "$0" "$@"\n# ${standsFor}\n`;
}

/** What the executable stands for; anything else is given back as it is. */
export function standsFor(content: Uint8Array | undefined): Uint8Array | undefined {
  const text = Buffer.from(content ?? []).toString('utf8');
  const said = text.startsWith('#!/bin/sh\nexec ') ? text.trimEnd().split('\n').at(-1)?.slice('# '.length) : undefined;
  return said === undefined ? content : Buffer.from(`${said}\n`);
}

/** Puts these tools, and nothing else, into a directory. */
export async function installTools(directory: string, socket: string, tools: readonly Tool[]): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  for (const tool of tools) {
    const path = join(directory, tool);
    await writeFile(path, standIn(tool, socket));
    await chmod(path, 0o755);
  }
}
