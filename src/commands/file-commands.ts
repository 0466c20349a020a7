import { dirname } from 'node:path/posix';
import type { Command, System } from '../system/system.ts';

/** A file operation or download as the equivalent shell command, with its time. */
export interface FileCommand {
  readonly command: Command;
  readonly startedAt: number;
}

/**
 * The same system interfaces, recording every write and download as a command, so that a listing of commands also
 * creates the files it uses. Only files below `shownIn` are shown with their text; others may contain keys and tokens.
 */
export function recordFileCommands(
  system: System,
  shownIn: string,
): { readonly system: System; readonly commands: readonly FileCommand[] } {
  const commands: FileCommand[] = [];
  const directories = new Set<string>();
  const add = (file: string, args: readonly string[], stdin?: Command['stdin']): void => {
    const command: Command = { file, args, effect: 'write', origin: 'host', ...(stdin === undefined ? {} : { stdin }) };
    commands.push({ command, startedAt: system.clock.now() });
  };
  const inDirectory = (path: string): void => {
    const directory = dirname(path);
    if (!directories.has(directory)) add('mkdir', ['-p', directory]);
    directories.add(directory);
  };
  const { files, downloads } = system;

  return {
    commands,
    system: {
      ...system,
      downloads: {
        ...downloads,
        fetch: (request) => {
          inDirectory(request.to);
          add('curl', ['--fail', '--location', '--output', request.to, request.url]);
          return downloads.fetch(request);
        },
      },
      files: {
        ...files,
        write: (path, content, mode = 0o644) => {
          inDirectory(path);
          const shown = path.startsWith(`${shownIn}/`);
          add('tee', [path], shown || typeof content !== 'string' ? content : Buffer.from(content));
          if ((mode & 0o077) === 0) add('chmod', [mode.toString(8), path]);
          return files.write(path, content, mode);
        },
        makeDirectory: (path, mode) => {
          add('mkdir', ['-p', ...(mode === undefined ? [] : ['-m', mode.toString(8)]), path]);
          directories.add(path);
          return files.makeDirectory(path, mode);
        },
        chmod: (path, mode) => {
          add('chmod', [mode.toString(8), path]);
          return files.chmod(path, mode);
        },
        link: (path, target) => {
          add('ln', ['-sfn', target, path]);
          return files.link(path, target);
        },
        rename: (from, to) => {
          add('mv', [from, to]);
          return files.rename(from, to);
        },
        remove: async (path) => {
          // Removing a file that does not exist needs no command.
          if ((await files.stat(path)) !== undefined) add('rm', ['-rf', path]);
          return files.remove(path);
        },
        extract: (archive, into, members) => {
          for (const { member, as } of members) {
            add('tar', ['-xf', archive, '-C', into, member]);
            if (member !== as) add('mv', [`${into}/${member}`, `${into}/${as}`]);
          }
          return files.extract(archive, into, members);
        },
      },
    },
  };
}
