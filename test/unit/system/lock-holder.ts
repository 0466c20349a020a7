import { spawn } from 'node:child_process';
import { createFiles } from '../../../src/system/files.ts';

/** Another run of the program: requests the lock at the given path, sends the result, and runs until it is killed. */
const [path = ''] = process.argv.slice(2);
const answer = await createFiles().lock(path, { command: 'istio-vms up', since: '2026-01-05T09:00:00.000Z' });
process.on('message', () => {
  const { pid } = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
  process.send?.(pid);
});
process.send?.('release' in answer ? 'held' : answer);
