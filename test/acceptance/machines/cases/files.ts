import { quiet } from '../../../support/context.ts';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { GuestFile } from '../../../../src/machines/machine.ts';
import { bytes } from '../bench.ts';
import type { Subject } from '../conformance.ts';

const DIRECTORY = '/var/lib/conformance/new place';

/** Files that `put` places on a machine. */
export function fileCases({ bench, machine }: Subject): void {
  describe('put', () => {
    const content = bytes(2, 3 * 1024 * 1024);
    const files: readonly GuestFile[] = [
      { path: '/etc/conformance/plain.conf', content: 'plain: ü\n', mode: 0o644 },
      { path: `${DIRECTORY}/secret`, content: 'hush', mode: 0o600, owner: 'ubuntu', group: 'ubuntu' },
      { path: `${DIRECTORY}/big`, content, mode: 0o755, owner: 'root', group: 'ubuntu' },
      { path: `${DIRECTORY}/empty`, content: '', mode: 0o440 },
    ];
    /** The state of these paths as state.sh reports it. */
    const reported = async (paths: readonly string[]): Promise<readonly string[]> => {
      const text = bench().shipped.guest['state.sh'] ?? '';
      const { stdout } = await machine().put([], { name: 'state.sh', text, args: paths }, quiet);
      return stdout.split('\n').filter((line) => line.startsWith('file\t'));
    };
    const line = ({ path, content: whole, mode, owner = 'root', group = 'root' }: GuestFile): string => {
      const digest = createHash('sha256')
        .update(whole as string | Uint8Array)
        .digest('hex');
      return `file\t${digest} ${mode.toString(8)} ${owner} ${group} ${path}`;
    };

    it('creates directories and sets content, owner and mode', async () => {
      await bench().drive(async () => {
        const paths = files.map(({ path }) => path);
        expect((await machine().put(files, undefined, quiet)).changed).toEqual(paths);
        expect(await reported(paths)).toEqual(files.map(line));
      });
    });

    it('changes only what differs', async () => {
      const [plain, secret, big, empty] = files as readonly [GuestFile, GuestFile, GuestFile, GuestFile];
      const differ = [
        { ...plain, content: 'other\n' },
        { ...secret, mode: 0o640 },
        { ...empty, owner: 'ubuntu' },
      ];
      await bench().drive(async () => {
        expect((await machine().put(files, undefined, quiet)).changed).toEqual([]);
        const { changed } = await machine().put([big, ...differ], undefined, quiet);
        expect(changed).toEqual(differ.map(({ path }) => path));
        expect(await reported(changed)).toEqual(differ.map(line));
      });
    });

    it('places no file when one of them cannot be placed', async () => {
      const good = { path: '/etc/conformance/never', content: 'x', mode: 0o644 };
      const bad = { ...good, path: '/etc/conformance/no-one', owner: 'nobody-of-that-name' };
      await bench().drive(async () => {
        await expect(machine().put([good, bad], undefined, quiet)).rejects.toMatchObject({
          failure: 'exit',
          result: { exitCode: 1, stderr: expect.stringContaining('no such user: nobody-of-that-name') as string },
        });
        expect(await reported([good.path])).toEqual([`file\t- - - - ${good.path}`]);
      });
    });

    it('transfers a file of this computer', async () => {
      const { drive, system, directory } = bench();
      const file = join(directory, 'to be carried');
      await drive(async () => {
        await system.files.write(file, content);
        const there = { path: `${DIRECTORY}/carried`, mode: 0o711 };
        expect((await machine().put([{ ...there, content: { file } }], undefined, quiet)).changed).toEqual([
          there.path,
        ]);
        expect(await reported([there.path])).toEqual([line({ ...there, content })]);
        await expect(
          machine().put([{ ...there, content: { file: `${file}, gone` } }], undefined, quiet),
        ).rejects.toMatchObject({
          reason: 'not-converged',
        });
      });
    });

    it('places content that a command reads back unchanged', async () => {
      const command = { file: 'cat', args: [`${DIRECTORY}/big`], effect: 'read' } as const;
      const { stdoutBytes } = await bench().drive(() => machine().run(command, quiet));
      expect(Buffer.compare(stdoutBytes, content)).toBe(0);
    });
  });
}
