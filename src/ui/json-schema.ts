import { z } from 'zod';
import { REASONS, type Reason } from '../errors/reasons.ts';

/**
 * Schemas of the documents of `--output json`, as described in docs/json-output.md. A test parses the document of every
 * command with them; a field that is not described here is refused.
 */
const ms = z.number().nonnegative().describe('milliseconds');

const run = {
  changed: z.number().int().describe('how many steps changed something'),
  makespanMs: ms.describe('milliseconds from the first step to the last'),
  criticalPathMs: ms.describe('milliseconds of the critical path'),
  criticalPath: z.array(z.string()).describe('ids of the steps on the critical path, in order'),
  steps: z.array(
    z.strictObject({
      id: z.string(),
      title: z.string(),
      direction: z.enum(['apply', 'remove']),
      outcome: z.enum(['ready', 'changed', 'failed', 'interrupted', 'not-started']).describe('`ready`: nothing to do'),
      ms: ms.optional().describe('milliseconds that it ran; absent when it was not started'),
      waitedMs: ms.optional().describe('milliseconds that it waited for a free place, e.g. with `LAUNCHES`'),
    }),
  ),
};

const verification = {
  ok: z.boolean().describe('whether every check passed'),
  ms,
  checks: z.array(
    z.strictObject({
      name: z.string(),
      title: z.string(),
      ok: z.boolean(),
      outcome: z.enum(['passed', 'failed', 'skipped']).describe('`skipped`: a check that it needs has failed'),
      evidence: z.string().describe('what was seen'),
      hint: z.string().optional().describe('what to try'),
      cause: z.string().optional().describe('the check that explains this failure'),
      durationMs: ms,
    }),
  ),
  cause: z.string().optional().describe('the check that explains the failures'),
};

const finding = z
  .union([z.literal('ready'), z.strictObject({ missing: z.string() }), z.strictObject({ drifted: z.string() })])
  .describe('`"ready"`, or why it is not: `missing` or `drifted`');

const planned = { id: z.string(), title: z.string(), needs: z.array(z.string()).describe('ids of steps') };

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const bundle = z.strictObject({
  path: z.string(),
  size: z.number().int().describe('bytes'),
  sha256: digest,
  manifest: z.looseObject({ format: z.literal(1) }).describe('what the bundle contains'),
});

const row = z.strictObject({
  what: z.string(),
  ok: z.boolean().optional().describe('absent where there is nothing to judge'),
  state: z.string(),
  since: z.iso.datetime({ offset: true }).optional(),
  expires: z.iso.datetime({ offset: true }).optional(),
});

/** Fields of `data` for each form of command. */
const DATA = {
  up: {
    ...run,
    verify: z.strictObject(verification).optional().describe('absent with `--delete` and `--skip-verify`'),
  },
  step: run,
  'bundle create': { ...run, bundle: bundle.optional().describe('absent when it failed') },
  verify: verification,
  'verify --list': {
    checks: z.array(
      z.strictObject({
        name: z.string(),
        title: z.string(),
        optional: z.string().optional().describe('the option that adds it'),
      }),
    ),
  },
  status: {
    lab: z.string(),
    istio: z.strictObject({ version: z.string(), revision: z.string() }),
    k3s: z.string(),
    sections: z.array(z.strictObject({ title: z.string(), rows: z.array(row) })),
  },
  plan: {
    changes: z.number().int().describe('how many steps `up` would change'),
    steps: z.array(z.strictObject({ ...planned, finding })),
  },
  'plan --graph': { steps: z.array(z.strictObject(planned)) },
  'plan --commands': {
    commands: z.array(z.strictObject({ argv: z.array(z.string()), effect: z.enum(['read', 'write']) })),
  },
  env: {
    variables: z.record(z.string(), z.string()),
    path: z.string().describe('the directory of istioctl'),
    origins: z.record(z.string(), z.string()).describe('where each value comes from'),
  },
} as const satisfies Record<string, z.ZodRawShape>;

export type DocumentForm = keyof typeof DATA;
export const DOCUMENT_FORMS = Object.keys(DATA) as readonly DocumentForm[];

const rehearsal = z
  .strictObject({
    virtualMs: ms.describe('simulated milliseconds'),
    commands: z.number().int(),
    writes: z.number().int().describe('commands that would change something'),
    criticalPath: z.array(z.string()),
    criticalPathMs: ms,
  })
  .describe('only with `--rehearse`');

const error = z.strictObject({
  reason: z.enum(Object.keys(REASONS) as [Reason, ...Reason[]]).describe('a stable word; see troubleshooting.md'),
  exitCode: z.number().int(),
  message: z.string(),
  hint: z.string().optional().describe('one thing to try'),
  details: z.array(z.string()).optional().describe('all problems, where there are several'),
  command: z.string().optional().describe('the command that failed, secrets masked'),
  stderrTail: z.string().optional().describe('its last lines'),
});

/** The document of one form of command. After a failure any field of `data` may be absent. */
export function documentSchema(form: DocumentForm) {
  const shape: z.ZodRawShape = {
    ...DATA[form],
    report: z.string().optional().describe('path of the run report'),
    rehearsal: rehearsal.optional(),
  };
  const data = z.strictObject(shape);
  const head = {
    version: z
      .literal(2)
      .describe('raised when a field changes its meaning or is removed; fields may be added without'),
    tool: z.literal('istio-vms'),
    command: z.string().describe('the name of the command'),
  };
  return z.discriminatedUnion('outcome', [
    z.strictObject({ ...head, outcome: z.literal('ok'), data }),
    z.strictObject({ ...head, outcome: z.literal('error'), error, data: data.partial() }),
  ]);
}
