import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Recording } from '../acceptance/mesh/recordings/recorder.ts';
import { FAILING_OBJECTS } from '../acceptance/mesh/recordings/pod-failures.ts';
import { podProblem } from '../../src/steps/pod-reasons.ts';
import { parseObjects } from '../../src/kube/object.ts';
import { formOf, formText, ownOutput, type Answer } from '../support/command-forms.ts';
import { LINUX, refusals, shipped, simulated } from './support/simulated.ts';

// Compares the commands of a real lab, recorded from creation to deletion (`npm run mesh -- --record-lab`), with those of a
// simulated lab.
const FOLDER = 'test/recordings';
const RECORDED: readonly (Recording & { readonly name: string })[] = [
  'kubectl-1.34.2',
  'istioctl-1.30.4',
  'guest-debian-12',
  'incus-6.0',
]
  .flatMap((program) => readdirSync(`${FOLDER}/${program}`).map((file) => `${program}/${file}`))
  .filter((path) => path.includes('/lab-'))
  .map((path) => ({
    ...(JSON.parse(readFileSync(`${FOLDER}/${path}`, 'utf8')) as Recording),
    name: path.replace('.json', ''),
  }));

const { watch } = refusals();
const answers = new Map<string, Answer[]>();

beforeAll(async () => {
  const record = (answer: Answer): void => {
    const form = formText(formOf(answer.command, shipped.guest));
    answers.set(form, [...(answers.get(form) ?? []), answer]);
  };
  const set = {
    ISTIO_VERSION: '1.30.4',
    K3S_VERSION: 'v1.34.2+k3s1',
    LAB_NAME: 'mesh-incus',
    ISTIO_OVERLAY: 'overlay.yaml',
  };
  const lab = watch(simulated({ set, onAnswer: record }));
  await lab.files.write(`${LINUX.cwd}/overlay.yaml`, readFileSync('test/acceptance/mesh/overlay.yaml', 'utf8'));
  expect((await lab.up()).report.error).toBeUndefined();
  expect((await lab.verify([], { strict: true, networkPolicy: true })).failed).toEqual([]);
  await lab.plan();
  expect((await lab.down()).report.error).toBeUndefined();
}, 60_000);

/** The real lab was on Incus, on a computer that cannot load kernel modules. */
beforeAll(async () => {
  const record = (answer: Answer): void => {
    if (answer.command.onMachine !== undefined || answer.command.file !== 'incus') return;
    const form = formText(formOf(answer.command, shipped.guest));
    answers.set(form, [...(answers.get(form) ?? []), answer]);
  };
  const place = { INCUS_PROJECT: 'istio-vms-mesh', INCUS_IMAGE: 'mesh-node', INCUS_NETWORK: 'ivmsmesh0' };
  const set = { MACHINE_ENGINE: 'incus', LAB_NAME: 'mesh-incus', ...place };
  const lab = watch(simulated({ set, onAnswer: record, faults: ['kernel-modules-missing'] }));
  expect((await lab.up()).report.error).toBeUndefined();
  expect((await lab.down()).report.error).toBeUndefined();
}, 60_000);

/** Runs only when an agent is late, as it was in the real lab. */
const OCCASIONAL = /^guest sudo journalctl /;
const BLOCKS = /^kubectl wait /;
/** Depends on which worker starts after the missing modules are known, which varies. */
const OTHER_WORKER = /^incus (?:launch|start|config) .*k3s-worker-\d/;
const PROVOKED = /--namespace recorded /;

describe('a recorded lab', () => {
  it.each(RECORDED.filter(({ argv }) => !PROVOKED.test(argv.join(' '))).map((each) => [each.name, each] as const))(
    '%s: the simulated lab answers in the same form',
    (_, recording) => {
      const { argv, exitCode, stdout, stderr } = recording;
      const form = argv.join(' ');
      if (OCCASIONAL.test(form) || (OTHER_WORKER.test(form) && !answers.has(form))) return;
      const ran = answers.get(form) ?? [];
      expect(ran.length, `${form} was not run in the simulated lab`).toBeGreaterThan(0);
      const alike = ran.filter(({ result }) => result.exitCode === exitCode);
      // An empty list has no keys to compare.
      const last = form.startsWith('incus list ') ? longest(alike) : alike.at(-1);
      // A wait that timed out in the real lab may succeed here.
      if (last === undefined && (BLOCKS.test(form) || OTHER_WORKER.test(form))) return;
      expect(last, `${form} never ended with ${exitCode} in the simulated lab`).toBeDefined();
      if (last === undefined) return;
      const own = ownOutput(last);
      const streams = (out: { stdout: string; stderr: string }) => [out.stdout.trim() !== '', out.stderr.trim() !== ''];
      expect.soft(streams(own)).toEqual(streams({ stdout, stderr }));
      if (last.command.file === 'incus' && last.command.onMachine === undefined) expect.soft(own.stderr).toBe(stderr);
      if (last.command.secretOutput !== true) expect.soft(onlySimulated(own.stdout, stdout)).toEqual([]);
    },
  );

  it.each(FAILING_OBJECTS)('contains the reason why the pods of $name do not start', ({ name, kinds }) => {
    const recording = RECORDED.find(({ argv }) => PROVOKED.test(argv.join(' ')));
    expect(kinds).toContain(podProblem(parseObjects(recording?.stdout ?? ''), name, 'recorded')?.kind);
  });
});

function longest(ran: readonly Answer[]): Answer | undefined {
  return [...ran].sort((a, b) => a.result.stdout.length - b.result.stdout.length).at(-1);
}

/** The real lab used the network of its project's profile, and no network device of the instance. */
const OWN_DEVICE = /^devices\.eth0\./;

/** Features that only the simulated answer has: keys of JSON, of `key<TAB>value`, or the form of a line. */
function onlySimulated(simulated: string, real: string): readonly string[] {
  const recorded = new Set([...featuresOf(real), ...OBJECT_FEATURES]);
  return [...featuresOf(simulated)].filter((feature) => !recorded.has(feature) && !OWN_DEVICE.test(feature)).sort();
}

/** Features of recorded objects in any state, e.g. of a pending and of a running pod. */
const OBJECT_FEATURES: readonly string[] = RECORDED.filter(
  ({ argv }) => argv.includes('get') && argv.includes('--output=json'),
)
  .map(({ stdout }) => [...featuresOf(stdout)])
  .flat();

function featuresOf(text: string): ReadonlySet<string> {
  try {
    return new Set(pathsOf(JSON.parse(text), ''));
  } catch {
    return new Set(text.split('\n').map(formOfLine));
  }
}

/** Paths of all keys, by the kind of object; free-form keys such as labels count as one. */
function pathsOf(value: unknown, at: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((each) => pathsOf(each, at));
  if (typeof value !== 'object' || value === null) return [at];
  const { kind } = value as { kind?: unknown };
  const here = typeof kind === 'string' ? `${at.replace(/items$/, '')}${kind} ` : at === '' ? '' : `${at}.`;
  return Object.entries(value).flatMap(([key, each]) =>
    pathsOf(each, /(?:labels|annotations|matchLabels|selector|\.data)$/.test(at) ? `${here}*` : `${here}${key}`),
  );
}

function formOfLine(line: string): string {
  const [key = '', ...values] = line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z\t/, '').split('\t');
  return values.length > 0
    ? key
    : line
        .replace(/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, 'ADDRESS')
        .replace(/ \/\S*\//g, ' …/')
        .replace(/-[0-9a-z]{8,10}-[0-9a-z]{5}\b/g, '-POD')
        .replace(/\d+/g, 'N');
}
