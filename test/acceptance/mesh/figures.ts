/** Durations of one run of `up`, read from its log, in milliseconds since its start. */
export interface Figures {
  readonly makespan: number;
  /** Time during which no command was running: work of the program itself, and delays. */
  readonly idle: number;
  /** Time during which a command of the current step on the critical path, or of a check, was running. */
  readonly tools: number;
  /** Completion of the last k3s step. */
  readonly nodes: number | undefined;
  readonly controlPlane: number | undefined;
  readonly joined: number | undefined;
  /** Number of started processes by program. */
  readonly processes: Readonly<Record<string, number>>;
}

const LINE = /^(\S+Z) {2}(.*)$/;
const STARTED = /^#(\d+) (?:read|write)(?: \((\S+)\))? \$ (\S+)/;
const ENDED = /^#(\d+) .* after /;
const DONE = /^(\S+) +(?:done in|unchanged)/;

interface Span {
  readonly owner: string | undefined;
  readonly from: number;
  to: number;
}

/**
 * @param log the log of one successful `up` from nothing
 * @param criticalPath ids of the steps on the critical path, from `up --output json`
 */
export function figuresOf(log: string, criticalPath: readonly string[] = []): Figures {
  const spans = new Map<string, Span>();
  const processes: Record<string, number> = {};
  const done = new Map<string, number>();
  let [first, last] = [Number.NaN, Number.NaN];
  for (const line of log.split('\n')) {
    const [, time = '', text = ''] = LINE.exec(line) ?? [];
    if (time === '') continue;
    const at = Date.parse(time);
    if (Number.isNaN(first)) first = at;
    last = at;
    const [, started, owner, program = ''] = STARTED.exec(text) ?? [];
    if (started !== undefined) {
      spans.set(started, { owner, from: at, to: Number.POSITIVE_INFINITY });
      const name = program.split('/').at(-1) ?? program;
      processes[name] = (processes[name] ?? 0) + 1;
    }
    const ended = spans.get(ENDED.exec(text)?.[1] ?? '');
    if (ended !== undefined) ended.to = Math.min(ended.to, at);
    const step = DONE.exec(text)?.[1];
    if (step !== undefined && !done.has(step)) done.set(step, at);
  }
  const all = [...spans.values()];
  let from = first;
  let tools = 0;
  for (const id of criticalPath) {
    const to = done.get(id) ?? from;
    tools += covered(
      all.filter(({ owner }) => owner === id),
      from,
      to,
    );
    from = to;
  }
  // After the steps only the checks run, one at a time.
  tools += covered(all, from, last);
  const since = (at: number | undefined): number | undefined => (at === undefined ? undefined : at - first);
  const k3s = [...done].filter(([step]) => /^(k3s-server|k3s-agent-\d+|nodes)$/.test(step)).map(([, at]) => at);
  return {
    makespan: last - first,
    idle: last - first - covered(all, first, last),
    tools,
    nodes: k3s.length === 0 ? undefined : since(Math.max(...k3s)),
    controlPlane: since(done.get('istio')),
    joined: since(done.get('sidecar')),
    processes,
  };
}

/** Milliseconds between two times during which at least one span was active. */
function covered(spans: readonly Span[], from: number, to: number): number {
  let sum = 0;
  let until = from;
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const end = Math.min(span.to, to);
    if (end <= until) continue;
    sum += Math.max(0, end - Math.max(span.from, until));
    until = Math.max(until, end);
  }
  return sum;
}

/** The limits of `up` from nothing that were exceeded (the limit for kubectl is for two workers). */
export function brokenBars({ makespan, idle, tools, processes }: Figures): readonly string[] {
  const share = idle / makespan;
  const kubectl = processes['kubectl'] ?? 0;
  const ratio = makespan / tools;
  return [
    ...(share > 0.05 ? [`no command was in flight for ${(share * 100).toFixed(1)} % of the time, more than 5 %`] : []),
    ...(ratio > 1.15 ? [`${ratio.toFixed(2)} times the time of the tools on the critical path, more than 1.15`] : []),
    ...(kubectl > 40 ? [`${kubectl} kubectl processes, more than 40`] : []),
  ];
}

/** A Markdown table. */
export function figuresTable(figures: Figures): string {
  const seconds = (ms: number | undefined): string =>
    ms === undefined ? 'not reached' : `${(ms / 1000).toFixed(1)} s`;
  const share = ((figures.idle / figures.makespan) * 100).toFixed(1);
  const rows = [
    ['nodes Ready', seconds(figures.nodes)],
    ['control plane installed', seconds(figures.controlPlane)],
    ['VM joined', seconds(figures.joined)],
    ['verified (end)', seconds(figures.makespan)],
    ['no command in flight', `${seconds(figures.idle)} (${share} %)`],
    [
      "the tools' own time on the critical path",
      `${seconds(figures.tools)} (the whole is ${(figures.makespan / figures.tools).toFixed(2)} times that)`,
    ],
    ...Object.entries(figures.processes)
      .sort(([, a], [, b]) => b - a)
      .map(([program, count]) => [`${program} processes`, String(count)]),
  ];
  return ['| figure of the cold `up` | value |', '| --- | --- |', ...rows.map(([a, b]) => `| ${a} | ${b} |`), ''].join(
    '\n',
  );
}
