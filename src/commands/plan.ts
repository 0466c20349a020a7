import type { Rehearsal } from '../app.ts';
import type { ExitCode } from '../errors/reasons.ts';
import type { GlobalOptions, Invocation } from '../invocation.ts';
import { checkSteps } from '../plan/check.ts';
import { toMermaid } from '../plan/mermaid.ts';
import { makePlan } from '../plan/plan.ts';
import { runPlan } from '../plan/run.ts';
import { counted, findingText } from '../plan/text.ts';
import { labSteps } from '../steps/steps.ts';
import { requireTools } from './tools.ts';
import type { Command } from '../system/system.ts';
import { scriptPaths } from '../system/shipped.ts';
import { renderTable } from '../ui/table.ts';
import { commandListing } from '../ui/command-listing.ts';
import { contextOf, type CommandOutput, type Session } from './command.ts';
import { recordFileCommands, type FileCommand } from './file-commands.ts';
import { runSession } from './session.ts';

interface PlanOptions extends GlobalOptions {
  readonly commands?: boolean;
  readonly graph?: boolean;
}

/** What `up` would do: the steps and their state, every command, or a graph. Changes nothing. */
export async function plan(invocation: Invocation, options: PlanOptions): Promise<ExitCode> {
  // Commands are known only by running them, so they are run in the simulated world.
  const rehearse = options.rehearse || options.commands === true;
  return runSession({
    command: 'plan',
    invocation,
    options: { ...options, rehearse },
    from: options.rehearse ? 'nothing' : 'real',
    body: (session) =>
      options.graph === true ? graph(session) : options.commands === true ? commands(session) : overview(session),
  });
}

function graph({ app }: Session): Promise<CommandOutput> {
  const steps = labSteps(app.lab);
  const data = { steps: steps.map(({ id, title, needs }) => ({ id, title, needs })) };
  return Promise.resolve({ data, text: toMermaid(steps) });
}

async function overview(session: Session): Promise<CommandOutput> {
  const { lab } = session.app;
  await requireTools(lab, ['machines', 'kubectl'], contextOf(session));
  const results = await checkSteps(labSteps(lab), { signal: session.signal });
  const { paint, width } = session.screen.answer;
  const rows = results.map(({ step, finding }) => [
    finding === 'ready'
      ? { text: 'ok', paint: paint.success }
      : { text: 'missing' in finding ? 'create' : 'update', paint: paint.warning },
    step.id,
    step.needs.join(' '),
    findingText(finding),
  ]);
  const change = results.filter(({ finding }) => finding !== 'ready').length;
  const last =
    change === 0
      ? 'Nothing would change.'
      : `\`istio-vms up\` would change ${counted(change, 'step')} of ${results.length}.`;
  return {
    data: {
      changes: change,
      steps: results.map(({ step, finding }) => ({ id: step.id, title: step.title, needs: step.needs, finding })),
    },
    text: `${renderTable({ head: ['', 'step', 'needs', 'state'], rows, width, paint }).trimEnd()}\n\n${last}`,
  };
}

async function commands(session: Session): Promise<CommandOutput> {
  const { lab, rehearsal } = session.app;
  if (rehearsal === undefined) throw new Error('commands are listed in a rehearsal');
  const before = rehearsal.transcript.length;
  const recorded = recordFileCommands(lab.system, lab.config.paths.manifests);
  const run = await runPlan({
    plan: makePlan(labSteps({ ...lab, system: recorded.system }), { kind: 'apply', targets: 'all' }),
    clock: lab.system.clock,
    bounds: { LAUNCHES: lab.config.launches },
    signal: session.signal,
    onEvent: () => undefined,
  });
  const list = merged(recorded.commands, inOrder(rehearsal.transcript.slice(before)));
  return {
    data: { commands: list.map(({ file, args, effect }) => ({ argv: [file, ...args], effect })) },
    text: commandListing(list, scriptPaths(lab.shipped)),
    run,
    ...(run.error === undefined ? {} : { error: run.error }),
  };
}

/**
 * In order of their start. A read that was repeated until its answer came is listed once, at the last attempt, because
 * the number of attempts varies.
 */
function inOrder(transcript: Rehearsal['transcript']): Rehearsal['transcript'] {
  const begun = [...transcript].sort((a, b) => a.startedAt - b.startedAt);
  const nameOf = ({ command }: { command: Command }): string => [command.file, ...command.args].join('\0');
  return begun.filter((entry, place) => {
    if (entry.effect === 'write') return true;
    const again = begun.slice(place + 1).find((later) => later.effect === 'write' || nameOf(later) === nameOf(entry));
    return again === undefined || again.effect === 'write';
  });
}

/** Sorted by time; at the same time, a file is written before the command that reads it. */
function merged(files: readonly FileCommand[], programs: Rehearsal['transcript']): readonly Command[] {
  return [...files, ...programs].sort((a, b) => a.startedAt - b.startedAt).map(({ command }) => command);
}
