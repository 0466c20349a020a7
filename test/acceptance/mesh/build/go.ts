import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { workDirectory, writeIfChanged } from './cache.ts';

export interface GoProgram {
  /** Name of the main module and of its folder below `work` in the cache. */
  readonly name: string;
  /** `go` line of go.mod. */
  readonly language: string;
  readonly requires: Readonly<Record<string, string>>;
  /** Module to `MODULE VERSION` or `./FOLDER`. */
  readonly replaces?: Readonly<Record<string, string>>;
  /** Directories of this project that are copied into the main module, by their name there. */
  readonly copies?: Readonly<Record<string, string>>;
  /** Package to build; `.` is the main module itself. */
  readonly target: string;
  readonly output: string;
  readonly tags?: readonly string[];
  /** Go variables that the linker sets. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Builds run one at a time, since Go already uses all cores. */
let last: Promise<unknown> = Promise.resolve();

/** Builds one program from published modules, without cgo and without local paths in the binary. */
export async function goBuild(program: GoProgram): Promise<void> {
  const mine = last.catch(() => undefined).then(() => compile(program));
  last = mine;
  await mine;
}

/** Directory of a required module in Go's module cache. */
export async function moduleDirectory(program: Omit<GoProgram, 'target' | 'output'>, module: string): Promise<string> {
  const directory = await mainModule(program);
  const { stdout } = await go(directory, ['list', '-m', '-f', '{{.Dir}}', module]);
  return stdout.trim();
}

/** Version of the compiler, an input of every recipe. */
export async function goVersion(): Promise<string> {
  const { stdout } = await execa('go', ['env', 'GOVERSION', 'GOOS', 'GOARCH']);
  return stdout;
}

async function compile(program: GoProgram): Promise<void> {
  const directory = await mainModule(program);
  const variables = Object.entries(program.variables ?? {}).map(([name, value]) => `-X ${name}=${value}`);
  await go(directory, [
    'build',
    '-trimpath',
    ...(program.tags === undefined ? [] : [`-tags=${program.tags.join(',')}`]),
    '-ldflags',
    ['-s', '-w', ...variables].join(' '),
    '-o',
    program.output,
    program.target,
  ]);
}

async function mainModule({
  name,
  language,
  requires,
  replaces = {},
  copies = {},
}: Omit<GoProgram, 'target' | 'output'>) {
  const directory = await workDirectory(name);
  for (const [as, from] of Object.entries(copies)) await cp(from, join(directory, as), { recursive: true });
  const lines = [
    `module mesh-rig/${name}`,
    '',
    `go ${language}`,
    '',
    ...Object.entries(requires).map(([module, version]) => `require ${module} ${version}`),
    ...Object.entries(replaces).map(([module, by]) => `replace ${module} => ${by}`),
    '',
  ];
  // `go build -mod=mod` changes go.mod, so asked.txt keeps the original text to detect changes.
  if (await writeIfChanged(join(directory, 'asked.txt'), lines.join('\n'))) {
    await rm(join(directory, 'go.sum'), { force: true });
    await writeIfChanged(join(directory, 'go.mod'), lines.join('\n'));
  }
  return directory;
}

function go(cwd: string, args: readonly string[]) {
  return execa('go', args, {
    cwd,
    stdin: 'ignore',
    stderr: ['pipe', 'inherit'],
    env: { CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-mod=mod -buildvcs=false' },
  });
}
