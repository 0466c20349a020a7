import { quiet } from '../../../support/context.ts';
import { describe, expect, it } from 'vitest';
import type { Command, Processes } from '../../../../src/system/system.ts';
import { createRunRecord } from '../../../../src/ui/report/record.ts';
import { fakeProcesses } from '../../../support/fake-processes.ts';

const read = (file: string, more: Partial<Command> = {}): Command => ({ file, args: [], effect: 'read', ...more });

function recordOf(processes: Processes) {
  let now = 0;
  return createRunRecord({
    processes,
    clock: { now: () => (now += 10) },
    scripts: new Map([['#!/bin/sh\ntrue\n', '/lib/yes.sh']]),
  });
}

const owners = ({ commands }: ReturnType<typeof recordOf>): Record<string, string | undefined> =>
  Object.fromEntries(commands.map(({ text, owner }) => [text, owner]));

describe('the record of a run', () => {
  it('assigns a command to its owner by the context that it runs with', async () => {
    const record = recordOf(fakeProcesses().on('a', {}).on('b', {}).on('unowned', {}));
    await Promise.all([
      record.processes.run(read('a'), { ...quiet, owner: 'apply/one' }),
      record.processes.run(read('b'), { ...quiet, owner: 'prove/two' }),
      record.processes.run(read('unowned'), quiet),
    ]);
    expect(owners(record)).toEqual({ a: 'apply/one', b: 'prove/two', unowned: undefined });
  });

  it('contains the times and the outcome of each command', async () => {
    const record = recordOf(
      fakeProcesses().on('good', {}).on('bad', { exitCode: 2, stderr: 'a\nb\n' }).on('gone', { failure: 'timed-out' }),
    );
    for (const file of ['good', 'bad', 'gone']) await record.processes.run(read(file), quiet).catch(() => undefined);
    expect(record.commands).toEqual([
      { text: 'good', effect: 'read', startedAt: 10, endedAt: 20, exitCode: 0 },
      { text: 'bad', effect: 'read', startedAt: 30, endedAt: 40, exitCode: 2, failure: 'exit', stderr: 'a\nb' },
      { text: 'gone', effect: 'read', startedAt: 50, endedAt: 60, failure: 'timed-out' },
    ]);
  });

  it('contains what ran on a machine, without its wrapper', async () => {
    const record = recordOf(fakeProcesses().on('wrap true', {}));
    await record.processes.run(
      read('wrap', { args: ['true'], onMachine: { name: 'vm', argv: ['sh', '#!/bin/sh\ntrue\n'] } }),
      quiet,
    );
    expect(record.commands[0]).toMatchObject({
      text: 'wrap true',
      onMachine: { name: 'vm', text: 'sh "$(cat /lib/yes.sh)"' },
    });
  });

  it('passes on what was thrown', async () => {
    const broken = new Error('a bug');
    const record = recordOf({ run: () => Promise.reject(broken) });
    await expect(record.processes.run(read('a'), quiet)).rejects.toBe(broken);
    expect(record.commands).toHaveLength(1);
  });

  it('names shipped scripts, gives the size of payloads, and keeps no secret output', async () => {
    const record = recordOf({
      run: (command) =>
        fakeProcesses()
          .on('x', { exitCode: 1, stderr: 'token abc' })
          .run({ ...command, file: 'x', args: [] }, quiet),
    });
    const secret = read('sh', { args: ['-c', '#!/bin/sh\ntrue\n'], stdin: new Uint8Array(9), secretOutput: true });
    await record.processes.run(secret, quiet).catch(() => undefined);
    expect(record.commands[0]).toMatchObject({
      text: 'sh -c "$(cat /lib/yes.sh)"  # reads a payload of 9 bytes, made for this call',
      exitCode: 1,
    });
    expect(record.commands[0]).not.toHaveProperty('stderr');
  });
});
