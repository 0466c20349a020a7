import { fromServer } from '../../cluster/api-error.ts';
import { flag } from './args.ts';
import type { Verb } from './verb.ts';

/** `kubectl scale deployment/NAME --replicas=N`. */
export const scale: Verb = {
  flags: { '--namespace': 'value', '--replicas': 'value' },
  run: async ({ cluster, parsed }) => {
    const [, name] = /^deployment\/(.+)$/.exec(parsed.words[0] ?? '') ?? [];
    const replicas = /^\d+$/.exec(flag(parsed, '--replicas') ?? '')?.[0];
    if (name === undefined || parsed.words.length > 1 || replicas === undefined) {
      const what = parsed.words.join(' ');
      return { exitCode: 1, stderr: `error: not understood here: scale ${what}\n`, refused: `kubectl scale ${what}` };
    }
    const namespace = flag(parsed, '--namespace') ?? 'default';
    if (cluster.store.get('deployments.apps', namespace, name) === undefined) {
      throw fromServer('NotFound', `deployments.apps "${name}" not found`);
    }
    cluster.store.edit('deployments.apps', namespace, name, (object) => {
      object.spec.replicas = Number(replicas);
    });
    return { exitCode: 0, stdout: `deployment.apps/${name} scaled\n` };
  },
};
