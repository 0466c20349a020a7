import { GUEST_SCRIPT } from '../../durations.ts';
import { guestEntry } from '../files.ts';
import { importArchive } from '../images.ts';
import type { ScriptModel } from './script.ts';

/** `data/guest/images-import.sh`: imports new archives into a running k3s; removes one that it cannot import. */
export const imagesImportModel: ScriptModel = async ({ world, instance, changed = [] }) => {
  await world.clock.sleep(GUEST_SCRIPT);
  const runs = ['k3s', 'k3s-agent'].some((name) => instance.units.get(name)?.active === 'active');
  const archives = runs ? changed.filter((path) => path.endsWith('.tar')) : [];
  for (const path of archives) {
    if (!(await importArchive(instance, guestEntry(instance, path)?.content ?? ''))) {
      instance.files.delete(path);
      return { exitCode: 1, stderr: 'ctr: unrecognized image format\n' };
    }
  }
  return { exitCode: 0, stdout: archives.map((path) => `imported ${path}\n`).join('') };
};
