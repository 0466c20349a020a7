import { describe, expect, it } from 'vitest';
import type { Machine } from '../../../src/machines/machine.ts';
import { unitErrorProbe } from '../../../src/steps/journal.ts';
import { KNOWN_ISSUES } from '../../../src/errors/known-issues.ts';
import { resultOf } from '../../support/fake-processes.ts';

const context = { say: () => undefined, signal: new AbortController().signal };

/** Probes a unit whose latest start logs one of these messages per probe. */
async function probes(...messages: readonly (string | undefined)[]) {
  let next = 0;
  const run = async () => {
    const message = messages[next++];
    const entry = { MESSAGE: message ?? '', SYSLOG_IDENTIFIER: 'k3s', _SYSTEMD_INVOCATION_ID: `${next}` };
    return resultOf({ stdout: JSON.stringify(entry) });
  };
  const probe = unitErrorProbe({ name: 'k3s-worker-1', run } as unknown as Machine, 'k3s-agent');
  const results = [];
  while (next < messages.length) {
    const result = await probe(context);
    results.push(result === undefined ? 'none' : 'failed' in result ? result.failed : result.pending);
  }
  return results;
}

const HASH = 'level=error msg="token CA hash does not match the Cluster CA certificate hash: 1 != 2"';
const TOKEN = 'level=error msg="Failed to validate connection to cluster at https://192.0.2.1:6443: 401 Unauthorized"';
const FLAG = 'level=fatal msg="Error: flag provided but not defined: -disable"';
const FORMAT = 'k3s-agent.service: Failed to execute /usr/local/bin/k3s: Exec format error';
const REFUSED = 'level=error msg="dial tcp 192.0.2.1:6443: connect: connection refused"';

describe('a unit that cannot start', () => {
  it.each([
    ['a token of another cluster', HASH, 'guest-failed'],
    ['a token that the server does not accept', TOKEN, 'guest-failed'],
    ['a key that k3s does not know', FLAG, 'guest-failed'],
    ['a program for another CPU', FORMAT, 'wrong-architecture'],
  ])('fails at the second probe that finds %s', async (_, message, reason) => {
    const [first, second] = await probes(message, message);
    expect(first).toEqual(expect.any(String));
    expect(second).toMatchObject({
      reason,
      message: expect.stringMatching(/^k3s-agent cannot start on k3s-worker-1: /),
    });
  });

  it('is waited for while its error is new, differs or can end by itself', async () => {
    expect(await probes(HASH, TOKEN, HASH)).toEqual(expect.not.arrayContaining([expect.any(Error)]));
    expect(await probes(HASH, undefined, HASH)).toEqual([expect.any(String), 'none', expect.any(String)]);
    expect(await probes(REFUSED, REFUSED, REFUSED)).toEqual(expect.not.arrayContaining([expect.any(Error)]));
  });

  it('is never both transient and permanent', () => {
    expect(KNOWN_ISSUES.filter((issue) => issue.transient === true && issue.permanent === true)).toEqual([]);
  });
});
