#!/usr/bin/env node
import { run } from './cli.ts';
import { END_SIGNALS, ignoreEchoes } from './system/signals.ts';
import { restoreTerminal } from './system/terminal.ts';

// Whoever watched may go away (a closed terminal, the reader of a pipe). That is no reason to fall over in the midst of
// the work: it ends as a signal asks, or by itself, unseen.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

// Should we fall over all the same, the terminal is not left without its cursor in the midst of a line.
process.on('uncaughtExceptionMonitor', restoreTerminal);

/** The process edge: what comes in from the system, and the exit code that goes out. */
process.exitCode = await run({
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  platform: process.platform,
  arch: process.arch,
  pid: process.pid,
  stdout: process.stdout,
  stderr: process.stderr,
  onSignal: (act) => {
    const hear = ignoreEchoes(act, () => performance.now());
    for (const signal of END_SIGNALS) process.on(signal, () => hear(signal));
  },
  exit: (code) => process.exit(code),
});
