/**
 * Names of files that wait beside their target until they are whole. The process that writes one is part of its name, so
 * that what a killed run has left behind is known as such, and the next one that writes there takes it away.
 */
export function temporaryName(target: string, pid: number, random: string, ending: 'tmp' | 'part'): string {
  return `.${target}.${pid}-${random}.${ending}`;
}

/** What stands beside an unfinished download: where its bytes came from. */
export const ORIGIN = '.from';

/** Which of these names in a directory wait for `target` and belong to no living process. */
export function leftovers(
  target: string,
  names: readonly string[],
  isAlive: (pid: number) => boolean,
): readonly string[] {
  const prefix = `.${target}.`;
  return names.filter((name) => {
    if (!name.startsWith(prefix)) return false;
    const pid = /^(\d+)-[0-9a-f]+\.(?:tmp|part)(?:\.from)?$/.exec(name.slice(prefix.length))?.[1];
    return pid !== undefined && !isAlive(Number(pid));
  });
}
