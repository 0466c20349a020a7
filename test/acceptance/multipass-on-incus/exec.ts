import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { spinner, type ParsedArgs } from '../../../src/rehearsal/engines/multipass/parser.ts';
import { change, instances, type Instance } from './incus.ts';
import { badUsage, failed, failedFor, Refusal } from './refusal.ts';
import { awaitSsh, OPTIONS, quoted } from './ssh.ts';

/**
 * Up to 1.16.3 the client retries endlessly after exit code 4 (docs/facts/multipass.md 1.2); the limit keeps a test from
 * hanging.
 */
const NO_LIMIT_MS = 600_000;
const START_MS = 120_000;
/** The machine prints this byte when the command starts, which separates errors of ssh from errors of the command. */
const START_MARK = 0x1e;

/** `multipass exec [-n] NAME -- CMD...`: opens a new session each time and starts a stopped machine. */
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
 * The command line for the shell of the user ubuntu. With a directory and `sudo`, arguments are joined without quotes, as
 * in the real Multipass (docs/facts/multipass.md 1.2).
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
    // Without -n the client also requests the mounts, so it prints the error twice.
    throw mapped ? new Refusal({ exitCode: 2, stderr: absent.stderr + absent.stderr }) : absent;
  }
  if (found.state === 'Deleted') throw failedFor('exec', [`instance "${name}" is deleted`]);
  if (found.state === 'Unknown') throw failed('exec', '', 'Cannot retrieve credentials in unknown state');
  if (found.state === 'Stopped') process.stdout.write(spinner(`Starting ${name}`));
  const up = await ensureRunning(found, Date.now() + START_MS);
  const [address] = up?.addresses ?? [];
  if (address === undefined) throw failed('exec', '', `ssh connection failed: 'Failed to connect to ${name}'`);
  return address;
}

/** Starts the machine if it is stopped, and waits for SSH; undefined after the deadline. */
export async function ensureRunning(instance: Instance, deadline: number): Promise<Instance | undefined> {
  if (instance.state === 'Running' && instance.addresses.length > 0) return instance;
  if (instance.state === 'Stopped') await change('start', instance.name);
  return awaitSsh(instance.name, deadline);
}

/** Runs a command line as the user ubuntu, with stdin, stdout and stderr passed through. */
async function session(address: string, line: string): Promise<number> {
  const remote = `printf '\\036' >&2; ${line}`;
  const ssh = spawn('ssh', [...OPTIONS, '-T', `ubuntu@${address}`, remote], { stdio: ['inherit', 'inherit', 'pipe'] });
  const stderr = { started: false, before: [] as Buffer[] };
  ssh.stderr.on('data', (chunk: Buffer) => {
    const at = stderr.started ? -1 : chunk.indexOf(START_MARK);
    if (stderr.started) process.stderr.write(chunk);
    else if (at < 0) stderr.before.push(chunk);
    else {
      stderr.started = true;
      process.stderr.write(Buffer.concat([...stderr.before, chunk.subarray(0, at), chunk.subarray(at + 1)]));
    }
  });
  const exitCode = await new Promise<number>((resolve) => ssh.once('close', (code) => resolve(code ?? 255)));
  if (stderr.started) return exitCode;
  const words = Buffer.concat(stderr.before).toString('utf8').trim();
  throw failed('exec', '', `ssh connection failed: '${words}'`);
}
