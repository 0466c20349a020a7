import type { Command } from '../system/system.ts';

/** Milliseconds; creating the container pulls the proxy image, some 100 MB. */
const CREATE_MS = 900_000;
const EXPORT_MS = 300_000;

/** A write that one interrupt may end: the next run pulls, creates and saves again, and the caller cleans up. */
const REPEATABLE = { effect: 'write', origin: 'container', interruptible: true } as const;

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
  ...REPEATABLE,
  timeoutMs: CREATE_MS,
});

export const exportCommand = (tool: string, name: string, output: string): Command => ({
  file: tool,
  args: ['export', '--output', output, name],
  ...REPEATABLE,
  timeoutMs: EXPORT_MS,
});

export const removeCommand = (tool: string, name: string): Command => ({
  file: tool,
  args: ['rm', '--force', name],
  effect: 'write',
  origin: 'container',
  timeoutMs: 60_000,
});

/** Pulls for the given platform, whatever the CPU of this computer. */
export const pullCommand = (tool: string, platform: string, image: string): Command => ({
  file: tool,
  args: ['pull', '--platform', platform, image],
  ...REPEATABLE,
  timeoutMs: CREATE_MS,
});

export const saveCommand = (tool: string, output: string, image: string): Command => ({
  file: tool,
  args: ['save', '--output', output, image],
  ...REPEATABLE,
  timeoutMs: EXPORT_MS,
});
