import { quiet } from '../support/context.ts';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { HOST_PROGRAMS } from '../../src/rehearsal/index.ts';
import { createMesh } from '../../src/rehearsal/mesh/index.ts';
import { createProcesses } from '../../src/rehearsal/processes.ts';
import { createWorld } from '../../src/rehearsal/state.ts';
import type { HostProgram, Instance, World } from '../../src/rehearsal/world.ts';
import { CommandError } from '../../src/system/command-error.ts';
import type { Files, Processes } from '../../src/system/system.ts';
import { createFiles } from '../../src/system/files.ts';
import { currentHost } from '../../src/system/host.ts';
import { loadShippedData } from '../../src/system/shipped.ts';
import { pace } from './pace.ts';
import { startReleaseServer } from './release-server.ts';
import { standsFor } from './stand-ins.ts';

/** One call of a stand-in. */
export interface Call {
  /** Process id of the caller. */
  readonly pid: number;
  readonly tool: string;
  /** Path of the executable. */
  readonly file: string;
  readonly args: readonly string[];
  readonly stdin: Uint8Array;
  /** KUBECONFIG of the caller, if it is set. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether the caller has ended: its connection is closed. */
  callerEnded: boolean;
}

/** The result of a program that fails. */
export interface Failure {
  readonly exitCode: number;
  readonly stderr: string;
}

/** Keeps a call from reaching the simulated world until it is released, so that a test can act during the call. */
export interface Hold {
  readonly reached: Promise<Call>;
  /** Releases the call; with a failure, this is the answer and the call never reaches the simulated world. */
  readonly release: (failure?: Failure) => void;
}

export interface WorldServer {
  readonly world: World;
  readonly socket: string;
  readonly artifactsUrl: string;
  /** Every call so far, in order. */
  readonly calls: readonly Call[];
  /** Holds the next call that `isMatch` accepts. */
  readonly hold: (isMatch: (call: Call) => boolean) => Hold;
  /** Stops the simulated clock, so that operations in progress do not complete. */
  readonly stopTime: () => Promise<void>;
  readonly resumeTime: () => void;
  readonly close: () => Promise<void>;
}

export interface WorldServerOptions {
  /** The directory of the socket; short, because a socket path can have only about 100 characters. */
  readonly directory: string;
  readonly foreign?: readonly Pick<Instance, 'name' | 'state'>[];
  /** The programs behind the stand-ins. Default: the simulated programs. */
  readonly programs?: Readonly<Record<string, HostProgram>>;
}

/** Starts one simulated world with real files: a socket serves its programs, and a port its downloads. */
export async function startWorldServer({
  directory,
  foreign = [],
  programs = HOST_PROGRAMS,
}: WorldServerOptions): Promise<WorldServer> {
  const shipped = await loadShippedData();
  // Starts at the real time, because the CLI uses the real clock.
  const world = createWorld({ host: currentHost(), shipped, foreign, start: Date.now() });
  const processes = createProcesses({ world, mesh: createMesh(world), files: hostFiles(), programs });
  const calls: Call[] = [];
  const holds: { isMatch: (call: Call) => boolean; hold: (call: Call) => Promise<Failure | undefined> }[] = [];

  const server = createServer((connection) => {
    const ended = new AbortController();
    connection.on('error', () => connection.destroy());
    void receive(connection).then(async (call) => {
      if (call === undefined) return;
      calls.push(call);
      connection.on('close', () => {
        call.callerEnded = true;
        ended.abort();
      });
      const at = holds.findIndex(({ isMatch }) => isMatch(call));
      const failure = at < 0 ? undefined : await holds.splice(at, 1)[0]?.hold(call);
      const answer = failure === undefined ? await perform(processes, call, ended.signal) : { ...failure, stdout: '' };
      connection.end(JSON.stringify(answer));
    });
  });
  const socket = join(directory, 'world');
  server.listen(socket);
  await once(server, 'listening');
  const releases = await startReleaseServer(shipped, socket);
  let stopPacing = pace(world.clock);

  return {
    world,
    socket,
    artifactsUrl: releases.url,
    calls,
    hold: (isMatch) => {
      let release: Hold['release'] = () => undefined;
      const released = new Promise<Failure | undefined>((resolve) => (release = resolve));
      const reached = new Promise<Call>((resolve) => {
        holds.push({ isMatch, hold: (call) => (resolve(call), released) });
      });
      return { reached, release };
    },
    stopTime: () => stopPacing(),
    resumeTime: () => {
      stopPacing = pace(world.clock);
    },
    close: async () => {
      await stopPacing();
      server.close();
      releases.server.closeAllConnections();
      releases.server.close();
    },
  };
}

/** Real files, except that the simulated world reads a stand-in as the file that it stands for. */
function hostFiles(): Files {
  const files = createFiles();
  return { ...files, read: async (path) => standsFor(await files.read(path)) };
}

/** Reads a request, one line of JSON; undefined when the caller ended before it was complete. */
async function receive(connection: Socket): Promise<Call | undefined> {
  let text = '';
  // A character can span two chunks.
  connection.setEncoding('utf8');
  const whole = await new Promise<boolean>((resolve) => {
    connection.on('close', () => resolve(false));
    connection.on('data', (chunk: string) => {
      text += chunk;
      if (text.endsWith('\n')) resolve(true);
    });
  });
  if (!whole) return undefined;
  const call = JSON.parse(text) as Omit<Call, 'stdin' | 'callerEnded'> & { readonly stdin: string };
  return { ...call, stdin: Buffer.from(call.stdin, 'base64'), callerEnded: connection.destroyed };
}

interface Answer {
  readonly exitCode: number;
  /** Base64. */
  readonly stdout: string;
  readonly stderr: string;
}

async function perform(processes: Processes, { file, args, stdin, env }: Call, signal: AbortSignal): Promise<Answer> {
  try {
    // Only the CLI knows which commands write. As `read`, the command ends with its caller; what a daemon does for it continues.
    const { exitCode, stdoutBytes, stderr } = await processes.run(
      { file, args, stdin, env, effect: 'read' },
      { ...quiet, signal: signal },
    );
    return { exitCode, stdout: Buffer.from(stdoutBytes).toString('base64'), stderr };
  } catch (error) {
    if (!(error instanceof CommandError)) return { exitCode: 125, stdout: '', stderr: `${String(error)}\n` };
    const { exitCode, stdoutBytes, stderr } = error.result;
    return { exitCode: Math.max(exitCode, 1), stdout: Buffer.from(stdoutBytes).toString('base64'), stderr };
  }
}
