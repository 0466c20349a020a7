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

/** One call of a stand-in, as it came. */
export interface Call {
  /** Of the calling process. */
  readonly pid: number;
  readonly tool: string;
  /** Path of the executable. */
  readonly file: string;
  readonly args: readonly string[];
  readonly stdin: Uint8Array;
  /** KUBECONFIG of the caller, where it has one. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether the calling process is there no more: its line has closed. */
  gone: boolean;
}

/** How a program ends that fails. */
export interface Failure {
  readonly exitCode: number;
  readonly stderr: string;
}

/** Keeps a call from reaching the world until it is let go, so that a test can act in its midst. */
export interface Hold {
  readonly reached: Promise<Call>;
  /** Lets it go; with a failure it never reaches the world, and this is its answer. */
  readonly release: (failure?: Failure) => void;
}

export interface WorldServer {
  readonly world: World;
  readonly socket: string;
  readonly artifactsUrl: string;
  /** Every call so far, in the order in which they came. */
  readonly calls: readonly Call[];
  /** Holds the next call for which `isIt` says so. */
  readonly hold: (isIt: (call: Call) => boolean) => Hold;
  /** From now on no time passes in the world: what it has begun does not end. */
  readonly timeStops: () => Promise<void>;
  readonly timeGoesOn: () => void;
  readonly close: () => Promise<void>;
}

export interface WorldServerOptions {
  /** Where the socket lies; short, for a socket's path may have only about a hundred characters. */
  readonly directory: string;
  readonly foreign?: readonly Pick<Instance, 'name' | 'state'>[];
  /** What stands behind the stand-ins; absent: the simulated programs. */
  readonly programs?: Readonly<Record<string, HostProgram>>;
}

/** One simulated world with real files, behind a socket for its programs and a port for its downloads. */
export async function startWorldServer({
  directory,
  foreign = [],
  programs = HOST_PROGRAMS,
}: WorldServerOptions): Promise<WorldServer> {
  const shipped = await loadShippedData();
  // It begins now: the CLI's own clock is the real one.
  const world = createWorld({ host: currentHost(), shipped, foreign, start: Date.now() });
  const processes = createProcesses({ world, mesh: createMesh(world), files: hostFiles(), programs });
  const calls: Call[] = [];
  const holds: { isIt: (call: Call) => boolean; hold: (call: Call) => Promise<Failure | undefined> }[] = [];

  const server = createServer((line) => {
    const gone = new AbortController();
    line.on('error', () => line.destroy());
    void receive(line).then(async (call) => {
      if (call === undefined) return;
      calls.push(call);
      line.on('close', () => {
        call.gone = true;
        gone.abort();
      });
      const at = holds.findIndex(({ isIt }) => isIt(call));
      const failure = at < 0 ? undefined : await holds.splice(at, 1)[0]?.hold(call);
      const answer = failure === undefined ? await perform(processes, call, gone.signal) : { ...failure, stdout: '' };
      line.end(JSON.stringify(answer));
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
    hold: (isIt) => {
      let release: Hold['release'] = () => undefined;
      const released = new Promise<Failure | undefined>((resolve) => (release = resolve));
      const reached = new Promise<Call>((resolve) => {
        holds.push({ isIt, hold: (call) => (resolve(call), released) });
      });
      return { reached, release };
    },
    timeStops: () => stopPacing(),
    timeGoesOn: () => {
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

/** Host paths are real; only of a stand-in's own file the world sees what it stands for. */
function hostFiles(): Files {
  const files = createFiles();
  return { ...files, read: async (path) => standsFor(await files.read(path)) };
}

/** The request is one line of JSON; undefined when the caller went before it was whole. */
async function receive(line: Socket): Promise<Call | undefined> {
  let text = '';
  // A character may lie across two chunks.
  line.setEncoding('utf8');
  const whole = await new Promise<boolean>((resolve) => {
    line.on('close', () => resolve(false));
    line.on('data', (chunk: string) => {
      text += chunk;
      if (text.endsWith('\n')) resolve(true);
    });
  });
  if (!whole) return undefined;
  const call = JSON.parse(text) as Omit<Call, 'stdin' | 'gone'> & { readonly stdin: string };
  return { ...call, stdin: Buffer.from(call.stdin, 'base64'), gone: line.destroyed };
}

interface Answer {
  readonly exitCode: number;
  /** Base64. */
  readonly stdout: string;
  readonly stderr: string;
}

async function perform(processes: Processes, { file, args, stdin, env }: Call, signal: AbortSignal): Promise<Answer> {
  try {
    // Whether it writes is the CLI's knowledge. As `read` it ends for the world when its caller is gone; a daemon's
    // work goes on all the same.
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
