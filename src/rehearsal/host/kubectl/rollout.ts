import { fromServer } from '../../cluster/api-error.ts';
import { flag } from './args.ts';
import type { Verb } from './verb.ts';
import { rolloutStatus } from './wait.ts';

/** `kubectl rollout restart deployment/NAME`, and `rollout status`. */
export const rollout: Verb = {
  flags: { '--namespace': 'value', '--timeout': 'value' },
  run: async (verb) => {
    const { call, cluster, parsed } = verb;
    if (parsed.words[0] === 'status') return rolloutStatus(verb);
    const [, name] = /^deployment\/(.+)$/.exec(parsed.words[1] ?? '') ?? [];
    if (parsed.words[0] !== 'restart' || name === undefined || parsed.words.length > 2) {
      const what = parsed.words.join(' ');
      return {
        exitCode: 1,
        stderr: `error: not understood here: rollout ${what}\n`,
        refused: `kubectl rollout ${what}`,
      };
    }
    const namespace = flag(parsed, '--namespace') ?? 'default';
    if (cluster.store.get('deployments.apps', namespace, name) === undefined) {
      throw fromServer('NotFound', `deployments.apps "${name}" not found`);
    }
    cluster.store.edit('deployments.apps', namespace, name, (object) => {
      const { template } = object.spec;
      const restartedAt = new Date(call.world.clock.now()).toISOString();
      template.metadata = {
        ...template.metadata,
        annotations: { ...template.metadata?.annotations, 'kubectl.kubernetes.io/restartedAt': restartedAt },
      };
    });
    return { exitCode: 0, stdout: `deployment.apps/${name} restarted\n` };
  },
};
