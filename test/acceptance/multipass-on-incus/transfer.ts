import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { execa } from 'execa';
import type { ParsedArgs } from '../../../src/rehearsal/host/multipass/parser.ts';
import { instances } from './incus.ts';
import { badUsage, failed } from './refusal.ts';
import { OPTIONS, quoted } from './ssh.ts';

/** `multipass transfer SOURCE TARGET` of one file or stdin, by SFTP (facts/multipass.md 1.5). */
export async function transfer({ positionals, options }: ParsedArgs): Promise<number> {
  if (positionals.length < 2) throw badUsage('Not enough arguments given');
  const [source = '', target = ''] = positionals;
  const [from, to] = [remote(source), remote(target)];
  if (from === undefined && to === undefined)
    throw badUsage('An instance name is needed for either source or destination.');
  const scratch = await mkdtemp(join(tmpdir(), 'multipass-on-incus-'));
  try {
    if (to !== undefined) await push(source, to, options.has('parents'), scratch);
    else if (from !== undefined) await pull(from, target, scratch);
    return 0;
  } finally {
    await rm(scratch, { recursive: true });
  }
}

interface Place {
  readonly name: string;
  readonly path: string;
}

function remote(text: string): Place | undefined {
  const [, name, path] = /^([a-zA-Z][a-zA-Z0-9-]*):(.*)$/.exec(text) ?? [];
  return name === undefined || path === undefined ? undefined : { name, path };
}

async function push(source: string, { name, path }: Place, parents: boolean, scratch: string): Promise<void> {
  let file = source;
  if (source === '-') {
    file = join(scratch, 'stdin');
    await writeFile(file, await buffer(process.stdin));
  } else {
    const found = await stat(source).catch(() => undefined);
    if (found === undefined) throw failed('transfer', '', `[sftp] cannot access ${source}: No such file or directory`);
    if (found.isDirectory())
      throw failed('transfer', '', `[sftp] omitting directory ${source}: recursive mode not specified`);
  }
  const address = await running(name);
  if (parents)
    await execa('ssh', [...OPTIONS, `ubuntu@${address}`, `mkdir -p ${quoted(dirname(path))}`], { stdin: 'ignore' });
  const words = await sftp(address, `put ${batch(file)} ${batch(path === '' ? '.' : path)}`);
  if (words !== undefined) throw failed('transfer', '', '[sftp] remote target does not exist');
}

async function pull({ name, path }: Place, target: string, scratch: string): Promise<void> {
  const file = target === '-' ? join(scratch, 'stdout') : target;
  const words = await sftp(await running(name), `get ${batch(path)} ${batch(file)}`);
  if (words !== undefined) throw failed('transfer', '', `[sftp] cannot open remote file ${path}: No such file`);
  if (target === '-') process.stdout.write(await readFile(file));
}

async function running(name: string): Promise<string> {
  const found = (await instances('transfer')).find((each) => each.name === name);
  if (found === undefined) throw failed('transfer', '', `instance "${name}" does not exist`);
  const [address] = found.addresses;
  if (found.state !== 'Running' || address === undefined)
    throw failed('transfer', '', `instance "${name}" is not running`);
  return address;
}

/** Gives what sftp says when it fails. */
async function sftp(address: string, line: string): Promise<string | undefined> {
  const result = await execa('sftp', [...OPTIONS, '-q', '-b', '-', `ubuntu@${address}`], {
    reject: false,
    input: `${line}\n`,
  });
  return result.exitCode === 0 ? undefined : result.stderr;
}

const batch = (path: string): string => `"${path.replace(/["\\]/g, '\\$&')}"`;
