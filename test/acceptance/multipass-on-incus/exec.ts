import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { spinner, type ParsedArgs } from '../../../src/rehearsal/engines/multipass/parser.ts';
import { change, instances, type Instance } from './incus.ts';
import { badUsage, failed, failedFor, Refusal } from './refusal.ts';
import { awaitSsh, OPTIONS, quoted } from './ssh.ts';

/**
 * Up to 1.16.3 the client takes a 4 for its own «again», for ever (docs/facts/multipass.md 1.2); a test needs an end.
 */
const NO_LIMIT_MS = 600_000;
const START_MS = 120_000;
/** The machine says with it that the command began: what ssh itself has to say comes without. */
const BEGAN = 0x1e;

/** `multipass exec [-n] NAME -- CMD...`: a session of its own each time, and a start of a machine that rests. */
export async function exec({ positionals, options, rest }: ParsedArgs): Promise<number> {
  const mapped = !options.has('no-map-working-directory');
  if (!mapped && options.has('working-directory')) {
    throw badUsage('Options --working-directory and --no-map-working-directory clash');
  }
  const [name = '', ...command] = [...positionals, ...(rest ?? [])];
  if (command.length === 0) throw badUsage('Wrong number of arguments');
  const address = await sshAddress(name, mapped);
  const line = commandLine(command, options.get('working-directory'));
  const deadline = Date.now() + NO_LIMIT_MS;
  for (;;) {
    const exitCode = await session(address, line);
    if (exitCode !== 4) return exitCode;
    if (Date.now() > deadline) throw new Error('gave up repeating a command that ends with 4');
    await sleep(100);
  }
}

/**
 * What the shell of ubuntu gets. With a directory and `sudo` in front, the words are joined as they are: a real trap of the
 * real one (docs/facts/multipass.md 1.2).
 */
function commandLine(command: readonly string[], directory: string | undefined): string {
  const words = command.map(quoted).join(' ');
  if (directory === undefined) return `exec ${words}`;
  const change = `cd ${quoted(directory)}`;
  if (command[0] !== 'sudo') return `${change} && exec ${words}`;
  return `exec sudo sh -c ${quoted(`${change} && sudo -u ubuntu ${command.join(' ')}`)}`;
}

async function sshAddress(name: string, mapped: boolean): Promise<string> {
  const found = (await instances('exec')).find((each) => each.name === name);
  if (found === undefined) {
    const absent = failedFor('exec', [`instance "${name}" does not exist`]);
    // Without -n the client asks for the mounts first, and says it twice.
    throw mapped ? new Refusal({ exitCode: 2, stderr: absent.stderr + absent.stderr }) : absent;
  }
  if (found.state === 'Deleted') throw failedFor('exec', [`instance "${name}" is deleted`]);
  if (found.state === 'Unknown') throw failed('exec', '', 'Cannot retrieve credentials in unknown state');
  if (found.state === 'Stopped') process.stdout.write(spinner(`Starting ${name}`));
  const up = await bringBack(found, Date.now() + START_MS);
  const [address] = up?.addresses ?? [];
  if (address === undefined) throw failed('exec', '', `ssh connection failed: 'Failed to connect to ${name}'`);
  return address;
}

/** The machine with a way in; started first when it rests. */
export async function bringBack(instance: Instance, deadline: number): Promise<Instance | undefined> {
  if (instance.state === 'Running' && instance.addresses.length > 0) return instance;
  if (instance.state === 'Stopped') await change('start', instance.name);
  return awaitSsh(instance.name, deadline);
}

/** One session as user ubuntu; input and output go through as they are. */
async function session(address: string, line: string): Promise<number> {
  const remote = `printf '\\036' >&2; ${line}`;
  const ssh = spawn('ssh', [...OPTIONS, '-T', `ubuntu@${address}`, remote], { stdio: ['inherit', 'inherit', 'pipe'] });
  const stderr = { began: false, before: [] as Buffer[] };
  ssh.stderr.on('data', (chunk: Buffer) => {
    const at = stderr.began ? -1 : chunk.indexOf(BEGAN);
    if (stderr.began) process.stderr.write(chunk);
    else if (at < 0) stderr.before.push(chunk);
    else {
      stderr.began = true;
      process.stderr.write(Buffer.concat([...stderr.before, chunk.subarray(0, at), chunk.subarray(at + 1)]));
    }
  });
  const exitCode = await new Promise<number>((resolve) => ssh.once('close', (code) => resolve(code ?? 255)));
  if (stderr.began) return exitCode;
  const words = Buffer.concat(stderr.before).toString('utf8').trim();
  throw failed('exec', '', `ssh connection failed: '${words}'`);
}
