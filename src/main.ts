#!/usr/bin/env node
import { run } from './cli.ts';

/** The process edge: what comes in from the system, and the exit code that goes out. */
process.exitCode = await run({
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  platform: process.platform,
  arch: process.arch,
  stdout: process.stdout,
  stderr: process.stderr,
  onSignal: (act) => {
    process.on('SIGINT', act);
    process.on('SIGTERM', act);
  },
  exit: (code) => process.exit(code),
});
