import type { ExitCode } from '../errors/reasons.ts';
import type { GlobalOptions, Invocation } from '../invocation.ts';
import { counted, duration } from '../plan/text.ts';
import { requireTools } from './tools.ts';
import { renderTable, type Cell } from '../ui/table.ts';
import type { Styles } from '../ui/styles.ts';
import type { MachineInfo } from '../machines/machine.ts';
import { formerMachines, type FormerMachines } from '../steps/former-machines.ts';
import { formerPlanes, type FormerPlane } from '../steps/former-planes.ts';
import { experimentsIn } from '../steps/experiments.ts';
import { findLeftovers } from '../steps/leftovers.ts';
import { isDeletable, type Leftover } from '../steps/left-objects.ts';
import { clusterSnapshotFor } from '../verify/snapshot.ts';
import { readStatus, type StatusRow } from '../verify/status.ts';
import { contextOf } from './command.ts';
import { runSession } from './session.ts';

/** Shows the whole lab on one screen. Read-only. */
export async function status(invocation: Invocation, options: GlobalOptions): Promise<ExitCode> {
  return runSession({
    command: 'status',
    warnsOfEndOfLife: true,
    invocation,
    options,
    from: 'lab',
    async body(session) {
      const { lab } = session.app;
      const context = contextOf(session);
      await requireTools(lab, ['machines', 'kubectl'], context);
      const status = await readStatus(lab, context);
      const view = await clusterSnapshotFor(lab, context);
      const experiments = await experimentsIn(lab, view, context);
      const planes = formerPlanes(lab, view);
      const left = await findLeftovers(lab, context);
      const machines = await formerMachines(lab, context);
      const leftRows = [
        ...machineRows(machines, lab.config.lab),
        ...planes.map(planeRow),
        ...left.map(leftoverRow),
        ...experiments.map(experimentRow),
      ];
      const sections = leftRows.length === 0 ? status : [...status, { title: 'Left over', rows: leftRows }];
      const { paint, width } = session.screen.answer;
      const now = lab.system.clock.now();
      const rows = sections.flatMap(({ title, rows: of }): readonly (readonly Cell[])[] => [
        [{ text: title, paint: paint.bold }, '', '', ''],
        ...of.map((row) => cells(row, now, paint)),
      ]);
      const { config } = lab;
      const head = `Lab ${config.lab}: Istio ${config.istio.version} (revision ${config.istio.revision}), k3s ${config.k3s.version}`;
      return {
        data: {
          lab: config.lab,
          istio: { version: config.istio.version, revision: config.istio.revision },
          k3s: config.k3s.version,
          sections,
        },
        text: `${paint.bold(head)}\n\n${renderTable({ rows, width, paint }).trimEnd()}${leftoverAdvice(left, machines.recorded, planes)}${advice(deletable(experiments), 'object', 'an interrupted `verify`', 'up')}`,
      };
    },
  });
}

function leftoverRow({ kind, name, namespace, holds }: Leftover): StatusRow {
  const kept = holds === undefined ? '' : `, kept: it holds ${holds}, not created by istio-vms`;
  return { what: kind, state: `${namespace === undefined ? name : `${namespace}/${name}`}${kept}` };
}

function experimentRow(left: Leftover): StatusRow {
  const { what, state } = leftoverRow(left);
  return { what, state: `${state}, created by \`verify\`` };
}

function machineRows({ recorded, labeled }: FormerMachines, lab: string): readonly StatusRow[] {
  const row = ({ name, state }: MachineInfo, more: string): StatusRow => ({
    what: 'Machine',
    state: `${name}, ${state}${more}`,
  });
  const elsewhere = `, labeled as part of lab ${lab}, but not on record in this directory: it is kept`;
  return [...recorded.map((machine) => row(machine, '')), ...labeled.map((machine) => row(machine, elsewhere))];
}

const deletable = (left: readonly Leftover[]): number => left.filter(isDeletable).length;

function planeRow({ revision, namespace, usedBy }: FormerPlane): StatusRow {
  const [first, ...more] = usedBy;
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  const kept = first === undefined ? '' : `, kept: it is used by ${first}${others}`;
  return { what: 'Control plane', state: `${namespace}/istiod-${revision}${kept}` };
}

function leftoverAdvice(
  objects: readonly Leftover[],
  machines: readonly MachineInfo[],
  planes: readonly FormerPlane[],
): string {
  const unused = planes.filter(({ usedBy }) => usedBy.length === 0).length;
  const command = 'up --prune';
  return `${advice(machines.length, 'machine', 'previous settings', command)}${advice(unused, 'control plane', 'previous settings', command)}${advice(deletable(objects), 'object', 'previous settings', command)}`;
}

/** The command that deletes the leftovers; empty when there are none. */
function advice(count: number, noun: string, of: string, command: string): string {
  if (count === 0) return '';
  return `\n\n${counted(count, noun)} left over from ${of}; \`istio-vms ${command}\` deletes ${count === 1 ? 'it' : 'them'}.`;
}

function cells({ what, ok, state, since, expires }: StatusRow, now: number, paint: Styles): readonly Cell[] {
  const mark = ok === undefined ? ' ' : ok ? '✔' : '✖';
  const time = expires === undefined ? age(since, now) : remaining(expires, now);
  return [
    `  ${what}`,
    { text: mark, paint: ok === false ? paint.error : paint.success },
    state,
    { text: time, paint: paint.dim },
  ];
}

function age(since: string | undefined, now: number): string {
  return since === undefined ? '' : `for ${coarse(now - Date.parse(since))}`;
}

function remaining(expires: string, now: number): string {
  const left = Date.parse(expires) - now;
  return left > 0 ? `${coarse(left)} left` : `${coarse(-left)} ago`;
}

/** A rough duration: minutes in the first hours, seconds in the first minutes. */
function coarse(ms: number): string {
  return duration(ms < 600_000 ? ms : Math.round(ms / 60_000) * 60_000);
}
