/** A program that ignores SIGINT, SIGTERM and SIGHUP, and starts a child that does the same. argv: DIRECTORY [ARGS...] */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const [directory, ...args] = process.argv.slice(2);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
if (args[0] === 'child') writeFileSync(`${directory}/stubborn-programs-started`, '');
else spawn(process.execPath, [process.argv[1], directory, 'child'], { stdio: 'ignore' });
setInterval(() => undefined, 1_000);
