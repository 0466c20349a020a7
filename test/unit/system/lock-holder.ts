import { spawn } from 'node:child_process';
import { createFiles } from '../../../src/system/files.ts';

/** Another run of the program: asks for the lock at its argument, tells what it was told, and stays until it is ended. */
const [path = ''] = process.argv.slice(2);
const answer = await createFiles().lock(path, { command: 'istio-vms up', since: '2026-01-05T09:00:00.000Z' });
process.on('message', () => {
  const { pid } = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
  process.send?.(pid);
});
process.send?.('release' in answer ? 'held' : answer);
