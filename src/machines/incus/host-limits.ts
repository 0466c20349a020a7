import type { Files } from '../../system/system.ts';

const INSTANCES = '/proc/sys/fs/inotify/max_user_instances';
/**
 * An estimate, not a measurement: privileged containers share the limit of root on the host, and a third lab used up
 * the kernel's default of 128 (docs/facts/real-mesh.md 4.9), so a lab needs about 43 to 64. This is enough for several
 * labs.
 */
const ENOUGH = 512;
export const INOTIFY_COMMAND = 'sudo sysctl fs.inotify.max_user_instances=1024';

/**
 * A warning to show before containers are launched on this computer; undefined if the limit is high enough or not
 * known.
 */
export async function inotifyWarning(files: Pick<Files, 'readText'>): Promise<string | undefined> {
  const text = await files.readText(INSTANCES).catch(() => undefined);
  const limit = Number.parseInt(text ?? '', 10);
  if (!Number.isSafeInteger(limit) || limit >= ENOUGH) return undefined;
  return `fs.inotify.max_user_instances is ${limit} on this computer, which may be too few for these containers: \`${INOTIFY_COMMAND}\``;
}
