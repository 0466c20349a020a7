/** A program that does not heed polite signals, and starts a second one of its kind. argv: PLACE [ARGS...] */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const [place, ...args] = process.argv.slice(2);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
if (args[0] === 'the-second') writeFileSync(`${place}/stubborn-ones-are-there`, '');
else spawn(process.execPath, [process.argv[1], place, 'the-second'], { stdio: 'ignore' });
setInterval(() => undefined, 1_000);
