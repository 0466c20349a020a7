#!/usr/bin/env node
import { run } from './cli.ts';
import { END_SIGNALS, ignoreEchoes } from './system/signals.ts';
import { restoreTerminal } from './system/terminal.ts';

// The reader of the output may disappear (a closed terminal, a pipe). That must not crash a run: it ends by a signal,
// or continues without output.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

// If the program crashes anyway, restore the terminal's cursor at the start of a line.
process.on('uncaughtExceptionMonitor', restoreTerminal);

/** The entry point: passes the process environment in and sets the exit code. */
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
    const onSignal = ignoreEchoes(act, () => performance.now());
    for (const signal of END_SIGNALS) process.on(signal, () => onSignal(signal));
  },
  exit: (code) => process.exit(code),
});
