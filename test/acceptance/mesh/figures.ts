/** What one run of `up` spent its time on, read from its own log. Times in milliseconds since its start. */
export interface Figures {
  readonly makespan: number;
  /** Time in which no command was in flight: our own work and pauses. */
  readonly idle: number;
  /** When the last of the k3s steps, the control plane, and the VM's sidecar were done. */
  readonly nodes: number | undefined;
  readonly controlPlane: number | undefined;
  readonly joined: number | undefined;
  /** Processes that were started, by program. */
  readonly processes: Readonly<Record<string, number>>;
}

const LINE = /^(\S+Z) {2}(.*)$/;
const STARTED = /^#(\d+) (?:read|write) \$ (\S+)/;
const ENDED = /^#(\d+) .* after /;
const DONE = /^(\S+) +(?:done in|already there)/;

/** @param log of one cold `up` that ended well */
export function figuresOf(log: string): Figures {
  const running = new Set<string>();
  const processes: Record<string, number> = {};
  const done = new Map<string, number>();
  let [first, last, idle] = [Number.NaN, Number.NaN, 0];
  for (const line of log.split('\n')) {
    const [, time = '', text = ''] = LINE.exec(line) ?? [];
    if (time === '') continue;
    const at = Date.parse(time);
    if (Number.isNaN(first)) first = at;
    else if (running.size === 0) idle += at - last;
    last = at;
    const [, started, program = ''] = STARTED.exec(text) ?? [];
    if (started !== undefined) {
      running.add(started);
      const name = program.split('/').at(-1) ?? program;
      processes[name] = (processes[name] ?? 0) + 1;
    }
    const ended = ENDED.exec(text)?.[1];
    if (ended !== undefined) running.delete(ended);
    const step = DONE.exec(text)?.[1];
    if (step !== undefined) done.set(step, at - first);
  }
  const k3s = [...done].filter(([step]) => /^(k3s-server|k3s-agent-\d+|nodes)$/.test(step)).map(([, at]) => at);
  return {
    makespan: last - first,
    idle,
    nodes: k3s.length === 0 ? undefined : Math.max(...k3s),
    controlPlane: done.get('istio'),
    joined: done.get('sidecar'),
    processes,
  };
}

/** The bars of a cold `up` (the kubectl bar is for two workers); empty when all are kept. */
export function brokenBars({ makespan, idle, processes }: Figures): readonly string[] {
  const share = idle / makespan;
  const kubectl = processes['kubectl'] ?? 0;
  return [
    ...(share > 0.05 ? [`no command was in flight for ${(share * 100).toFixed(1)} % of the time, more than 5 %`] : []),
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
    ...Object.entries(figures.processes)
      .sort(([, a], [, b]) => b - a)
      .map(([program, count]) => [`${program} processes`, String(count)]),
  ];
  return ['| figure of the cold `up` | value |', '| --- | --- |', ...rows.map(([a, b]) => `| ${a} | ${b} |`), ''].join(
    '\n',
  );
}
