import { flag } from './args.ts';
import type { Verb } from './verb.ts';

/** `kubectl api-resources --verbs=list --output=name`: the kinds that are served, one a line. */
export const apiResources: Verb = {
  flags: { '--verbs': 'value', '--output': 'value' },
  run: ({ cluster, parsed }) => {
    const odd = parsed.words[0] ?? (flag(parsed, '--output') === 'name' ? undefined : '--output');
    if (odd !== undefined || flag(parsed, '--verbs') !== 'list') {
      const what = odd ?? '--verbs';
      return Promise.resolve({
        exitCode: 1,
        stderr: `error: not understood here: ${what}\n`,
        refused: `kubectl api-resources ${what}`,
      });
    }
    const names = cluster.store.kinds().map(({ plural }) => `${plural}\n`);
    return Promise.resolve({ exitCode: 0, stdout: names.sort().join('') });
  },
};
