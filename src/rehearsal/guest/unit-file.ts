import type { Instance } from '../world.ts';
import { readStandIn } from '../stand-in.ts';
import { guestEntry, guestHas, guestText } from './files.ts';

/** A unit file, parsed as systemd does: `Section.Key` → values; an empty value clears the earlier ones. */
export interface UnitFile {
  readonly path: string;
  all(key: string): readonly string[];
  /** The last value, or undefined. */
  get(key: string): string | undefined;
}

/** Earlier directories take precedence: istio-vms' file in /etc overrides the package's own. */
const DIRECTORIES = ['/etc/systemd/system', '/usr/lib/systemd/system'];

/** The unit file of this name (without `.service`), or undefined when systemd would not find it. */
export function findUnitFile(instance: Instance, name: string): UnitFile | undefined {
  for (const directory of DIRECTORIES) {
    const path = `${directory}/${name}.service`;
    const text = guestText(instance, path);
    if (text !== undefined) return parse(path, text);
  }
  return undefined;
}

/** Parsed unit files by path and text: the health of the demo workload reads one at every moment. */
const parsed = new Map<string, UnitFile>();
const KEPT = 100;

function parse(path: string, text: string): UnitFile {
  const key = `${path}\n${text}`;
  let file = parsed.get(key);
  if (file === undefined) {
    file = parseText(path, text);
    if (parsed.size >= KEPT) parsed.clear();
    parsed.set(key, file);
  }
  return file;
}

function parseText(path: string, text: string): UnitFile {
  const values = new Map<string, string[]>();
  let section = '';
  for (const line of text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((raw) => raw.trim())) {
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const header = /^\[(.+)\]$/.exec(line);
    if (header !== null) {
      section = header[1] ?? '';
      continue;
    }
    const equals = line.indexOf('=');
    const key = `${section}.${line.slice(0, equals).trim()}`;
    const value = line.slice(equals + 1).trim();
    values.set(key, value === '' ? [] : [...(values.get(key) ?? []), value]);
  }
  return { path, all: (key) => values.get(key) ?? [], get: (key) => values.get(key)?.at(-1) };
}

/** A process of a unit: prefixes as systemd reads them, then the command line. */
export interface ExecLine {
  /** `-`: a failure is ignored. */
  readonly tolerant: boolean;
  /** `+`: runs as root regardless of `User=`. */
  readonly privileged: boolean;
  readonly program: string;
  readonly args: readonly string[];
}

/** Splits an Exec line. */
export function execLine(line: string): ExecLine {
  const prefix = /^[-+!@:]*/.exec(line)?.[0] ?? '';
  const [program = '', ...args] = line.slice(prefix.length).trim().split(/\s+/);
  return { tolerant: prefix.includes('-'), privileged: prefix.includes('+'), program, args };
}

/** Why systemd could not even start a unit's processes: the exit status and the message in its journal. */
export interface StartProblem {
  readonly status: number;
  readonly result: 'exit-code' | 'resources';
  readonly text: string;
}

const BASE_SYSTEM = /^\/(usr\/)?s?bin\/(python3|sh|env|modprobe|install|sleep|true|bash|rm|mkdir|cp|sysctl)$/;

/** What prevents this unit from starting here: users, directories, environment files, programs, CPUs. */
export function startProblem(instance: Instance, name: string, file: UnitFile): StartProblem | undefined {
  for (const path of file.all('Service.EnvironmentFile')) {
    if (path.startsWith('-') || guestText(instance, path) !== undefined) continue;
    return {
      status: 0,
      result: 'resources',
      text: `${name}.service: Failed to load environment files: No such file or directory`,
    };
  }
  for (const key of ['Service.User', 'Service.Group']) {
    const user = file.get(key);
    if (user === undefined || instance.users.has(user) || user === 'nobody' || user === 'nogroup') continue;
    return {
      status: key === 'Service.User' ? 217 : 216,
      result: 'exit-code',
      text: `${name}.service: Failed to determine ${key.slice(8).toLowerCase()} credentials: No such process`,
    };
  }
  const directory = file.get('Service.WorkingDirectory');
  if (directory !== undefined && directory !== '/' && !directory.startsWith('-') && !guestHas(instance, directory)) {
    return {
      status: 200,
      result: 'exit-code',
      text: `${name}.service: Changing to the requested working directory failed: No such file or directory`,
    };
  }
  const lines = [...file.all('Service.ExecStartPre'), ...file.all('Service.ExecStart')].map(execLine);
  for (const line of lines) {
    const problem = line.tolerant ? undefined : programProblem(instance, line.program);
    if (problem === undefined) continue;
    return {
      status: 203,
      result: 'exit-code',
      text: `${name}.service: Failed to locate executable ${line.program}: ${problem}`,
    };
  }
  return undefined;
}

/** Why a program cannot run here, in the kernel's words. */
export function programProblem(instance: Instance, path: string): string | undefined {
  if (BASE_SYSTEM.test(path)) return undefined;
  const entry = guestEntry(instance, path);
  if (entry === undefined) return 'No such file or directory';
  if ((entry.mode & 0o111) === 0) return 'Permission denied';
  const standIn = readStandIn(entry.content);
  if (standIn !== undefined && standIn.cpu !== instance.cpu) return 'Exec format error';
  return undefined;
}
