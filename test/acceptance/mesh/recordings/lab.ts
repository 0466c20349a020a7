import { quiet } from '../../../support/context.ts';
import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { App } from '../../../../src/app.ts';
import { planAndRun } from '../../../../src/commands/run-plan.ts';
import type { Session } from '../../../../src/commands/command.ts';
import { checkSteps } from '../../../../src/plan/check.ts';
import type { Goal } from '../../../../src/plan/plan.ts';
import { waitUntil } from '../../../../src/plan/wait.ts';
import { createLab } from '../../../../src/steps/create-lab.ts';
import { labSteps } from '../../../../src/steps/steps.ts';
import { createMask } from '../../../../src/system/mask.ts';
import { chooseChecks } from '../../../../src/verify/checks.ts';
import { verify } from '../../../../src/verify/verify.ts';
import { environmentIn } from '../../support/environment.ts';
import { formOf, formText, listening, ownOutput, type Answer } from '../../../support/command-forms.ts';
import { normalise, shortened } from './normalise.ts';
import { writeRecording } from './recorder.ts';
import { NAMESPACE as RECORDED, FAILING_MANIFESTS, FAILING_OBJECTS } from './pod-failures.ts';

/**
 * Records every command that the product runs on machines for `up`, `plan`, `verify` and `up --delete`. Runs the steps in
 * this process, since logs contain only shortened output. Started by main.ts with the environment of the rig.
 */
const { values } = parseArgs({ options: { target: { type: 'string', default: '' } } });
const cwd = process.cwd();
const answers = new Map<string, Answer>();
const signal = new AbortController().signal;
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const environment = await environmentIn(cwd);
const { guest } = environment.shipped;
const { real } = environment;
let recording = true;
const record = (answer: Answer): void => {
  if (!recording) return;
  // Keeps the last result for each form and exit code, when the lab is most complete.
  answers.set(`${formText(formOf(answer.command, guest))} → ${answer.result.exitCode}`, answer);
};
const lab = createLab({
  config: environment.loaded.config,
  host: environment.host,
  shipped: environment.shipped,
  system: { ...real, processes: listening(real.processes, record) },
  mask: createMask(),
  options: { fixCa: true, fixPilot: true },
});
const session = {
  app: { lab } as App,
  signal,
  reporter: { event: () => undefined, finish: async () => undefined, abandon: () => undefined },
} as unknown as Session;
const execute = async (goal: Goal): Promise<void> => {
  const { error } = await planAndRun(session, labSteps(lab), goal);
  if (error !== undefined) throw error;
};

try {
  await execute({ kind: 'apply', targets: 'all' });
  say('recordings: the lab is up');
  const checks = chooseChecks({ names: [], strict: true, networkPolicy: true });
  const failed = (await verify(lab, checks, { signal, say: () => undefined }, () => undefined)).filter(({ ok }) => !ok);
  if (failed.length > 0)
    throw new Error(`checks failed: ${failed.map(({ name, evidence }) => `${name}: ${evidence}`).join('; ')}`);
  await checkSteps(labSteps(lab), { signal });
  await recordPodFailures();
} finally {
  await execute({ kind: 'delete', targets: 'all' });
}
await writeAll();

/** Records the output of kubectl for pods that cannot start for various reasons. */
async function recordPodFailures(): Promise<void> {
  // The product does not run this command, so it is not recorded.
  recording = false;
  await lab.kubectl.apply(FAILING_MANIFESTS, quiet);
  recording = true;
  let objects: Awaited<ReturnType<typeof lab.kubectl.get>> = [];
  await waitUntil({
    clock: lab.system.clock,
    what: 'the pods to fail',
    deadlineMs: 180_000,
    intervalMs: 3_000,
    hint: 'See the rig.',
    say,
    probe: async () => {
      objects = await lab.kubectl.get(['deployments.apps', 'pods'], { namespace: RECORDED }, quiet);
      const missing = FAILING_OBJECTS.filter(({ isReported }) => !isReported(objects)).map(({ name }) => name);
      return missing.length === 0 ? { ready: true } : { pending: missing.join(', ') };
    },
  });
}

/** Writes `lab-….json` files next to the recordings of --record. */
async function writeAll(): Promise<void> {
  const recordedAt = new Date().toISOString().slice(0, 10);
  const folders: Readonly<Record<string, string>> = {
    kubectl: `kubectl-${(await lab.kubectl.clientVersion(quiet)).replace(/\+.*/, '')}`,
    istioctl: `istioctl-${lab.config.istio.version}`,
    incus: `incus-${(await lab.engine.probe(quiet)).version.split('.').slice(0, 2).join('.')}`,
    guest: 'guest-debian-12',
  };
  for (const folder of Object.values(folders)) {
    const names = await readdir(join(values.target, folder)).catch(() => []);
    for (const name of names) if (name.startsWith('lab-')) await rm(join(values.target, folder, name));
  }
  for (const [key, answer] of answers) {
    const form = formOf(answer.command, guest);
    const { stdout, stderr } = ownOutput(answer);
    const secret = answer.command.secretOutput === true;
    // Output about the failing pods is not shortened, since each pod differs.
    const whole = form.words.includes(RECORDED);
    await writeRecording(join(values.target, folders[form.program] ?? form.program), fileName(form.words, key), {
      recordedAt,
      argv: [form.program, ...form.words.map((word) => normalise(word, cwd))],
      exitCode: answer.result.exitCode,
      stdout: secret ? 'WITHHELD\n' : whole ? normalise(stdout, cwd) : shortened(normalise(stdout, cwd)),
      stderr: normalise(stderr, cwd),
    });
  }
  say(`recordings: ${answers.size} in ${Object.values(folders).join(', ')}`);
}

/** File name of the first words and a digest of the form. */
function fileName(words: readonly string[], key: string): string {
  const shown = words
    .filter((word) => !word.startsWith('-') && !/^(?:sudo|sh|SCRIPT)$/.test(word))
    .join('-')
    .replace(/[^a-z0-9.]+/gi, '-')
    .slice(0, 40)
    .replace(/-$/, '');
  return `lab-${shown}-${createHash('sha256').update(key).digest('hex').slice(0, 6)}`;
}
