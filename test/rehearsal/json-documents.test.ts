import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STEP_COMMANDS } from '../../src/cli-steps.ts';
import { createRehearsal } from '../../src/rehearsal/index.ts';
import { documentSchema, DOCUMENT_FORMS, type DocumentForm } from '../../src/ui/json-schema.ts';
import { cli, inOneWorld, type CliRun } from './support/cli.ts';
import { LINUX, shipped } from './support/simulated.ts';

const directory = await mkdtemp(join(tmpdir(), 'istio-vms-json-'));
afterAll(() => rm(directory, { recursive: true }));

const SUCCESS: readonly (readonly [string, DocumentForm])[] = [
  ['plan', 'plan'],
  ['status', 'status'],
  [`up --report ${join(directory, 'run.html')}`, 'up'],
  ...STEP_COMMANDS.map(({ name }) => [name, 'step'] as const),
  ['verify', 'verify'],
  ['verify --list', 'verify --list'],
  ['status', 'status'],
  ['plan', 'plan'],
  ['plan --graph', 'plan --graph'],
  ['plan --commands', 'plan --commands'],
  ['env', 'env'],
  ['bundle create', 'bundle create'],
  ['up --delete', 'up'],
];

const FAILURE: readonly (readonly [string, DocumentForm, string])[] = [
  ['up --fault daemon-down', 'up', 'engine-unavailable'],
  ['up --fault host-disk-full', 'up', 'disk-full'],
  ['up --set WORKERS=x', 'up', 'invalid-configuration'],
  ['eastwest --fault gateway-port-conflict', 'step', 'port-conflict'],
  ['vm --fault daemon-down', 'step', 'engine-unavailable'],
  ['verify --from nothing', 'verify', 'verify-failed'],
  ['verify nosuch --from nothing', 'verify', 'usage-error'],
  ['status --from nothing --fault daemon-down', 'status', 'engine-unavailable'],
  ['plan --fault daemon-down', 'plan', 'engine-unavailable'],
  ['env --set WORKERS=x', 'env', 'invalid-configuration'],
];

// These run before the other tests, after whose setup all rehearsals of this file use one world.
describe('a JSON document of a failure', () => {
  it.each(FAILURE)('of `%s` matches its schema', async (line, form, reason) => {
    const run = await cli([...line.split(' '), '--rehearse', '--quiet', '--output', 'json']);
    const document = documentSchema(form).parse(JSON.parse(run.stdout));
    expect(document).toMatchObject({ outcome: 'error', error: { reason, exitCode: run.code } });
  });
});

describe('a JSON document', () => {
  let runHere: (argv: readonly string[]) => Promise<CliRun>;
  // One world, so that each command sees the effects of earlier ones.
  beforeAll(async () => {
    runHere = await inOneWorld(createRehearsal({ host: LINUX, shipped }));
  });

  it.each(SUCCESS)('of `%s` matches its schema', async (line, form) => {
    const run = await runHere([...line.split(' '), '--quiet', '--output', 'json']);
    const document = documentSchema(form).parse(JSON.parse(run.stdout));
    expect({ code: run.code, outcome: document.outcome }).toEqual({ code: 0, outcome: 'ok' });
  });

  it('is tested for every form', () => {
    expect(new Set(SUCCESS.map(([, form]) => form))).toEqual(new Set(DOCUMENT_FORMS));
  });
});
