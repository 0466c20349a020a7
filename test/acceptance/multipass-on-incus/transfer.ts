import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { execa } from 'execa';
import type { ParsedArgs } from '../../../src/rehearsal/engines/multipass/parser.ts';
import { instances } from './incus.ts';
import { badUsage, failed, failedFor, type Refusal } from './refusal.ts';
import { OPTIONS, quoted } from './ssh.ts';

/** A path on an instance, `NAME:path`; a relative path starts at the home directory of ubuntu. */
interface Place {
  readonly name: string;
  readonly path: string;
}

/** `multipass transfer SOURCE... TARGET`, by SFTP; one side is on an instance (docs/facts/multipass.md 1.6). */
export async function transfer({ positionals, options }: ParsedArgs): Promise<number> {
  const sources = positionals.slice(0, -1);
  const target = positionals.at(-1) ?? '';
  if (sources.length === 0) throw badUsage('Not enough arguments given');
  const dashes = positionals.filter((each) => each === '-').length;
  if (dashes > 1) throw badUsage("Only one '-' allowed");
  if (dashes === 1 && positionals.length > 2) throw badUsage("Only two arguments allowed when using '-'");
  const [from, to] = [sources.map(remote), remote(target)];
  if (to === undefined && from.every((each) => each === undefined)) {
    throw badUsage('An instance name is needed for either source or destination');
  }
  if (to !== undefined && from.some((each) => each !== undefined)) {
    throw badUsage('Cannot specify an instance name for both source and destination');
  }
  const scratch = await mkdtemp(join(tmpdir(), 'multipass-on-incus-'));
  try {
    if (to !== undefined) {
      for (const source of sources) await push(source, to, options, scratch);
    } else {
      for (const each of from) {
        if (each === undefined) throw badUsage('All sources must be from inside an instance');
        await pull(each, target, options, scratch);
      }
    }
    return 0;
  } finally {
    await rm(scratch, { recursive: true });
  }
}

function remote(text: string): Place | undefined {
  const [, name, path] = /^([a-zA-Z][a-zA-Z0-9-]*):(.*)$/.exec(text) ?? [];
  return name === undefined || path === undefined ? undefined : { name, path };
}

async function push(source: string, to: Place, options: ParsedArgs['options'], scratch: string): Promise<void> {
  const recursive = options.has('recursive') ? ' -r' : '';
  let file = source;
  if (source === '-') {
    // Multipass uses this name if the target is a directory.
    file = join(scratch, 'stream_output.dat');
    await writeFile(file, await buffer(process.stdin), { mode: 0o664 });
  } else {
    const found = await stat(source).catch(() => undefined);
    if (found === undefined) throw local(`cannot access ${source}: No such file or directory`);
    if (found.isDirectory() && recursive === '') {
      throw local(`omitting local directory ${source}: recursive mode not specified`);
    }
  }
  const address = await running(to.name);
  if (options.has('parents')) {
    const parent = quoted(dirname(to.path));
    await execa('ssh', [...OPTIONS, `ubuntu@${address}`, `mkdir -p ${parent}`], { stdin: 'ignore' });
  }
  const words = await sftp(address, `put${recursive} ${batch(file)} ${batch(to.path === '' ? '.' : to.path)}`);
  if (words === undefined) return;
  const denied = words.includes('Permission denied');
  throw transferError(
    source,
    denied ? `cannot open remote file ${to.path}: SFTP server: Permission denied` : 'remote target does not exist',
  );
}

async function pull(from: Place, target: string, options: ParsedArgs['options'], scratch: string): Promise<void> {
  const address = await running(from.name);
  let file = target === '-' ? join(scratch, 'stdout') : target;
  if (target !== '-' && (await stat(target).catch(() => undefined))?.isDirectory() === true) {
    file = join(target, basename(from.path));
  }
  // Like Multipass, truncates the local file before the remote one is read.
  if (!options.has('recursive')) await writeFile(file, '');
  const recursive = options.has('recursive') ? ' -r' : '';
  const words = await sftp(address, `get${recursive} ${batch(from.path)} ${batch(file)}`);
  if (words !== undefined) {
    const why = words.includes('Permission denied') ? 'Permission denied' : 'No such file';
    throw transferError(target, `cannot open remote file ${from.path}: SFTP server: ${why}`);
  }
  if (target === '-') process.stdout.write(await readFile(file));
}

/** The address of a running instance. Unlike `exec`, a transfer does not start a stopped instance. */
async function running(name: string): Promise<string> {
  const found = (await instances('transfer')).find((each) => each.name === name);
  if (found === undefined) throw failedFor('transfer', [`instance "${name}" does not exist`]);
  if (found.state === 'Deleted') throw failedFor('transfer', [`instance "${name}" is deleted`]);
  const [address] = found.addresses;
  if (found.state !== 'Running' || address === undefined) {
    throw failed('transfer', '', `instance "${name}" is not running`);
  }
  return address;
}

/** Runs one command of sftp; returns its stderr if it fails. */
async function sftp(address: string, line: string): Promise<string | undefined> {
  const result = await execa('sftp', [...OPTIONS, '-q', '-b', '-', `ubuntu@${address}`], {
    reject: false,
    input: `${line}\n`,
  });
  return result.exitCode === 0 ? undefined : result.stderr;
}

const batch = (path: string): string => `"${path.replace(/["\\]/g, '\\$&')}"`;

/** An error in the format of the client's log; without the prefix `[sftp]` for a stream. */
const transferError = (local: string, text: string): Refusal =>
  failed('transfer', '', local === '-' ? text : `[sftp] ${text}`);
const local = (text: string): Refusal => transferError('', text);
