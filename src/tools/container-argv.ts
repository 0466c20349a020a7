import type { Command } from '../system/system.ts';

/** Milliseconds; creating the container pulls the proxy image, some 100 MB. */
const CREATE_MS = 900_000;
const EXPORT_MS = 300_000;
const REMOVE_INTERRUPTED_MS = 5_000;

/**
 * An interrupt may end these writes at once: what they leave (layers in the tool's store, a file in a temporary
 * directory, a container with our name) is replaced or removed by the next run.
 */
const INTERRUPTIBLE = { effect: 'write', origin: 'container', interruptible: true } as const;

export const versionCommand = (tool: string): Command => ({
  file: tool,
  args: ['version', '--format', 'json'],
  effect: 'read',
  origin: 'container',
  timeoutMs: 30_000,
});

/** Creates a container without starting it: the image may be for another CPU. */
export const createCommand = (tool: string, name: string, platform: string, image: string): Command => ({
  file: tool,
  args: ['create', '--name', name, '--platform', platform, image],
  ...INTERRUPTIBLE,
  timeoutMs: CREATE_MS,
});

export const exportCommand = (tool: string, name: string, output: string): Command => ({
  file: tool,
  args: ['export', '--output', output, name],
  ...INTERRUPTIBLE,
  timeoutMs: EXPORT_MS,
});

/** @param interrupted the user waits for the program to end, and the next run removes the container if this fails */
export const removeCommand = (tool: string, name: string, interrupted = false): Command => ({
  file: tool,
  args: ['rm', '--force', name],
  effect: 'write',
  origin: 'container',
  timeoutMs: interrupted ? REMOVE_INTERRUPTED_MS : 60_000,
});

/** Pulls for the given platform, whatever the CPU of this computer. */
export const pullCommand = (tool: string, platform: string, image: string): Command => ({
  file: tool,
  args: ['pull', '--platform', platform, image],
  ...INTERRUPTIBLE,
  timeoutMs: CREATE_MS,
});

export const saveCommand = (tool: string, output: string, image: string): Command => ({
  file: tool,
  args: ['save', '--output', output, image],
  ...INTERRUPTIBLE,
  timeoutMs: EXPORT_MS,
});
