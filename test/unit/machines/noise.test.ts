import { describe, expect, it } from 'vitest';
import { withoutNoise } from '../../../src/machines/noise.ts';
import { resultOf } from '../../support/fake-processes.ts';

const SPINNER = '\u001b[2K\u001b[0A\u001b[0EStarting k1  \b|\b/\b-\b\\\u001b[2K\u001b[0A\u001b[0E';

describe('withoutNoise', () => {
  it.each([
    ['a spinner in front', `${SPINNER}x86_64\n`, 'x86_64\n'],
    ['a spinner without its first clearing', `Starting k1  \b|\b/\u001b[2K\u001b[0A\u001b[0E{"a": 1}`, '{"a": 1}'],
    ['two messages', `${SPINNER}Waiting for initialization to complete  \b|\u001b[2K\u001b[0A\u001b[0Eok`, 'ok'],
    ['nothing', 'plain\r\n\b', 'plain\r\n\b'],
    ['the output speaks of starting', 'Starting k3s\nok\n', 'Starting k3s\nok\n'],
    ['a cleared line in the middle', 'first\n\u001b[2Ksecond', 'first\n\u001b[2Ksecond'],
    ['lines before a cleared line', 'Starting x\nkept\n\u001b[2K', 'Starting x\nkept\n\u001b[2K'],
  ])('%s', (_, stdout, kept) => {
    const result = withoutNoise(resultOf({ stdout }));
    expect(result.stdout).toBe(kept);
    expect(Buffer.from(result.stdoutBytes).toString()).toBe(kept);
  });
});
