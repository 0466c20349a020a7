import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CommandOrigin } from '../../../src/errors/known-issue.ts';
import { knownIssue, KNOWN_ISSUES } from '../../../src/errors/known-issues.ts';
import { INCUS_ISSUES } from '../../../src/machines/incus/issues.ts';
import type { Recording } from '../../acceptance/mesh/recordings/recorder.ts';

const FOLDER = 'test/recordings';

/** Recordings of failed commands. */
const failures = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name: folder }) =>
    readdirSync(`${FOLDER}/${folder}`).map((file) => ({
      program: folder.replace(/-.*$/, ''),
      name: `${folder}/${file.replace(/\.json$/, '')}`,
      recording: JSON.parse(readFileSync(`${FOLDER}/${folder}/${file}`, 'utf8')) as Recording,
    })),
  )
  .filter(({ recording }) => recording.exitCode !== 0);

/** The known issue that explains each provoked failure, selected by the end of the recording's name. */
const EXPECTED: readonly (readonly [id: string, provoked: RegExp])[] = [
  ['incus-kernel-module', /lab-launch-/],
  ['kubernetes-busy', /-(busy|unavailable)$/],
  ['kubernetes-unreachable', /-(closes|closes-late|hangs|nothing-listens|resets)$|lab-exec-istio-vms-plain/],
  ['kubernetes-forbidden', /-forbidden$/],
  ['kubernetes-context', /-no-(context|file)$/],
  ['kubernetes-unauthorized', /-unauthorized$/],
  ['kubernetes-x509', /-x509$/],
  ['kubernetes-immutable', /-immutable$/],
  ['kubernetes-webhook', /-webhook-failing$/],
  ['kubernetes-conflict', /-conflict$/],
  ['kubernetes-terminating', /-terminating$/],
  ['kubernetes-unknown-kind', /apply-unknown-kind$/],
  ['kubernetes-still-there', /(delete|health)-timeout$/],
  ['istio-configmap', /-no-control-plane$/],
  ['istio-root-cert', /-no-root-certificate$/],
  ['istio-service-account', /-no-service-account$/],
  ['istio-not-ready', /-not-ready$/],
  ['istio-overlay', /-overlay-/],
  ['istio-tag-revision', /-no-revision$/],
];

/** The origin of the message; an engine has known issues of its own. */
const originOf = (program: string): Parameters<typeof knownIssue> extends [string, ...infer Rest] ? Rest : never =>
  program === 'incus' ? ['engine', INCUS_ISSUES] : [program as CommandOrigin];

describe('known issues in recordings of real programs', () => {
  it.each(failures.map(({ name, ...rest }) => [name, rest] as const))(
    'explain %s with the expected issue, if any',
    (name, { program, recording }) => {
      const [id] = EXPECTED.find(([, provoked]) => provoked.test(name)) ?? [];
      expect(knownIssue(recording.stderr, ...originOf(program))?.id).toBe(id);
    },
  );

  it.each(EXPECTED)('include a recording of %s', (id, provoked) => {
    expect([...INCUS_ISSUES, ...KNOWN_ISSUES].map((issue) => issue.id)).toContain(id);
    expect(failures.filter(({ name }) => provoked.test(name))).not.toEqual([]);
  });
});
