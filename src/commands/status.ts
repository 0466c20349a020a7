import type { ExitCode } from '../errors/reasons.ts';
import type { GlobalOptions, Invocation } from '../invocation.ts';
import { counted, duration } from '../plan/words.ts';
import { requireTools } from './tools.ts';
import { renderTable, type Cell } from '../ui/table.ts';
import type { Paint } from '../ui/paint.ts';
import { findLeftovers, type Leftover } from '../steps/leftovers.ts';
import { readStatus, type StatusRow, type StatusSection } from '../verify/status.ts';
import { session } from './session.ts';

/** One screen of the whole lab; reads only. */
export async function status(invocation: Invocation, options: GlobalOptions): Promise<ExitCode> {
  return session({
    command: 'status',
    warnsOfEndOfLife: true,
    invocation,
    options,
    from: 'lab',
    async body(work) {
      const { lab } = work.app;
      await requireTools(lab, ['machines', 'kubectl']);
      const status = await readStatus(lab);
      const left = await findLeftovers(lab);
      const sections = left.length === 0 ? status : [...status, leftoverSection(left)];
      const { paint, width } = work.screen.answer;
      const now = lab.doors.clock.now();
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
        text: `${paint.bold(head)}\n\n${renderTable({ rows, width, paint }).trimEnd()}${leftoverAdvice(left)}`,
      };
    },
  });
}

function leftoverSection(left: readonly Leftover[]): StatusSection {
  return {
    title: 'Left over',
    rows: left.map(({ kind, name, namespace, holds }) => ({
      what: kind,
      state: `${namespace === undefined ? name : `${namespace}/${name}`}${
        holds === undefined ? '' : `, kept: it holds ${holds}, not created by istio-vms`
      }`,
    })),
  };
}

function leftoverAdvice(left: readonly Leftover[]): string {
  const count = left.filter(({ holds }) => holds === undefined).length;
  if (count === 0) return '';
  return `\n\n${counted(count, 'object')} left over from former settings; \`istio-vms up --prune\` deletes ${count === 1 ? 'it' : 'them'}.`;
}

function cells({ what, ok, state, since, expires }: StatusRow, now: number, paint: Paint): readonly Cell[] {
  const mark = ok === undefined ? ' ' : ok ? '✔' : '✖';
  const time = expires === undefined ? age(since, now) : remaining(expires, now);
  return [
    `  ${what}`,
    { text: mark, paint: ok === false ? paint.bad : paint.good },
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

/** Minutes matter in the first hours, seconds in the first minutes. */
function coarse(ms: number): string {
  return duration(ms < 600_000 ? ms : Math.round(ms / 60_000) * 60_000);
}
