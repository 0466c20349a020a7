import { spinner, type ParsedArgs } from '../../../src/rehearsal/engines/multipass/parser.ts';
import { ensureRunning } from './exec.ts';
import { change, erase, instances, markDeleted, markLost, type Instance } from './incus.ts';
import { timeLimit } from './launch.ts';
import { badUsage, failed, failedFor, Refusal } from './refusal.ts';

const isDeleted = ({ name, state }: Instance): string | undefined =>
  state === 'Deleted' ? `instance "${name}" is deleted` : undefined;

/** The named instances; fails if one of them is missing or refused (docs/facts/multipass.md 3.2). */
async function select(
  command: string,
  names: readonly string[],
  refuse: (instance: Instance) => string | undefined = () => undefined,
): Promise<readonly Instance[]> {
  const all = await instances(command);
  const found = names.map((name) => all.find((each) => each.name === name) ?? name);
  const problems = found.flatMap((each) => {
    const problem = typeof each === 'string' ? `instance "${each}" does not exist` : refuse(each);
    return problem === undefined ? [] : [problem];
  });
  if (problems.length > 0) throw failedFor(command, problems);
  return found.filter((each) => typeof each !== 'string');
}

export async function start({ positionals, options }: ParsedArgs): Promise<number> {
  const deadline = Date.now() + timeLimit(options.get('timeout')) * 1000;
  const all = await instances('start');
  const found = positionals.map((name) => all.find((each) => each.name === name));
  const problems = positionals.flatMap((name, index) => {
    const state = found[index]?.state;
    if (state === undefined) return [`Instance '${name}' does not exist.`];
    return state === 'Deleted' ? [`Instance '${name}' is deleted. Use 'recover' to recover it first.`] : [];
  });
  if (problems.length > 0) throw failed('start', '', 'instance(s) missing', ...problems);
  const unknown = found.find((each) => each?.state === 'Unknown');
  if (unknown !== undefined) {
    const words = [`Instance '${unknown.name}' is already running, but in an unknown state.`, 'Try to stop it first.'];
    throw failedFor('start', words);
  }
  process.stdout.write(spinner(`Starting ${positionals.join(', ')}`));
  return ensureAllRunning(
    found.filter((each) => each !== undefined),
    deadline,
    'start',
  );
}

export async function stop({ positionals }: ParsedArgs): Promise<number> {
  const found = await select('stop', positionals, isDeleted);
  process.stdout.write(spinner(`Stopping ${positionals.join(', ')}`));
  for (const { name, state } of found) {
    await change('stop', name);
    if (state === 'Unknown') await markLost(name, false);
  }
  return 0;
}

export async function restart({ positionals, options }: ParsedArgs): Promise<number> {
  const deadline = Date.now() + timeLimit(options.get('timeout')) * 1000;
  const found = await select('restart', positionals, isDeleted);
  const down = found.find(({ state }) => state !== 'Running');
  if (down !== undefined) {
    throw failed(
      'restart',
      '',
      `Instance '${down.name}' is already running, but in an unknown state.`,
      'Try to stop and start it instead.',
    );
  }
  process.stdout.write(spinner(`Restarting ${positionals.join(', ')}`));
  for (const { name } of found) await change('stop', name);
  return ensureAllRunning(
    found.map((each) => ({ ...each, state: 'Stopped', addresses: [] })),
    deadline,
    'restart',
  );
}

async function ensureAllRunning(found: readonly Instance[], deadline: number, command: string): Promise<number> {
  const up = await Promise.all(found.map((each) => ensureRunning(each, deadline)));
  if (up.every((each) => each !== undefined)) return 0;
  throw new Refusal({ exitCode: 5, stderr: `Timed out waiting for instance to ${command}.\n` });
}

export async function remove({ positionals, options }: ParsedArgs): Promise<number> {
  if (positionals.length === 0) throw badUsage('Name argument or --all is required');
  for (const { name, state } of await select('delete', positionals)) {
    if (options.has('purge')) await erase(name);
    else if (state !== 'Deleted') {
      await change('stop', name);
      await markDeleted(name, true);
    }
  }
  return 0;
}

export async function purge({ positionals }: ParsedArgs): Promise<number> {
  if (positionals.length > 0) throw badUsage('This command takes no arguments');
  for (const { name, state } of await instances('purge')) if (state === 'Deleted') await erase(name);
  return 0;
}

export async function recover({ positionals }: ParsedArgs): Promise<number> {
  if (positionals.length === 0) throw badUsage('Name argument or --all is required');
  for (const { name, state } of await select('recover', positionals))
    if (state === 'Deleted') await markDeleted(name, false);
  return 0;
}
