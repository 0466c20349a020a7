import { ownerOf } from '../../cluster/shapes.ts';
import { fromServer } from '../../cluster/api-error.ts';
import { endNamespace } from '../../cluster/namespaces.ts';
import { podObjects, type SimulatedCluster } from '../../cluster/kube.ts';
import type { ProgramResult } from '../../world.ts';
import { flag, type Parsed } from './args.ts';
import { kindNamed, shown, type Verb } from './verb.ts';

/** Polling interval of the wait. */
const POLL_MS = 500;

/** `kubectl delete KIND NAME --wait`: waits until the object is gone, content and pods included. */
export const remove: Verb = {
  flags: {
    '--namespace': 'value',
    '--all-namespaces': 'switch',
    '--field-selector': 'value',
    '--force': 'switch',
    '--grace-period': 'value',
    '--ignore-not-found': 'switch',
    '--wait': 'value',
    '--timeout': 'value',
  },
  run: async ({ call, cluster, parsed }) => {
    if (parsed.flags.has('--field-selector')) return removePods(cluster, parsed);
    const [kind, name, ...more] = parsed.words;
    const seconds = /^(\d+)s$/.exec(flag(parsed, '--timeout') ?? '')?.[1];
    if (kind === undefined || name === undefined)
      return { exitCode: 1, stderr: 'error: resource(s) were provided, but no name was specified\n' };
    const odd =
      more[0] ?? (flag(parsed, '--wait') !== 'true' ? '--wait' : seconds === undefined ? '--timeout' : undefined);
    if (odd !== undefined)
      return { exitCode: 1, stderr: `error: not understood here: ${odd}\n`, refused: `kubectl delete ${odd}` };
    const { store } = cluster;
    const { clock } = call.world;
    const info = kindNamed(store, kind);
    const namespace = info.namespaced ? (flag(parsed, '--namespace') ?? 'default') : undefined;
    const found = store.get(info.plural, namespace, name);
    if (found === undefined) {
      if (parsed.flags.has('--ignore-not-found')) return { exitCode: 0 };
      throw fromServer('NotFound', `${info.plural} "${name}" not found`);
    }
    if (info.plural === 'namespaces') endNamespace(store, name, clock.now());
    else store.remove(info.plural, namespace, name);
    CRASH_POINT: await call.world.crashPoints?.at(`kubectl delete ${info.plural} ${name}: begun`);
    const there = (): boolean =>
      store.get(info.plural, namespace, name)?.metadata.uid === found.metadata.uid ||
      podObjects(store).some((pod) => ownerOf(pod) === found.metadata.uid);
    for (const until = clock.now() + Number(seconds) * 1000; there();) {
      if (clock.now() >= until)
        return { exitCode: 1, stderr: `error: timed out waiting for the condition on ${info.plural}/${name}\n` };
      await clock.sleep(POLL_MS, call.signal);
    }
    const from = namespace === undefined ? '' : ` from ${namespace} namespace`;
    return { exitCode: 0, stdout: `${shown(info, name).replace('/', ' "')}" deleted${from}\n` };
  },
};

/** `kubectl delete pods --all-namespaces --field-selector spec.nodeName=NODE --force`: at once, without the kubelet. */
function removePods({ store }: SimulatedCluster, parsed: Parsed): ProgramResult {
  const [, node] = /^spec\.nodeName=(.+)$/.exec(flag(parsed, '--field-selector') ?? '') ?? [];
  const forced = parsed.flags.has('--force') && flag(parsed, '--grace-period') === '0';
  const right = parsed.words.join(' ') === 'pods' && parsed.flags.has('--all-namespaces') && forced;
  if (node === undefined || !right) {
    const what = parsed.words.join(' ');
    return { exitCode: 1, stderr: `error: not understood here: delete ${what}\n`, refused: `kubectl delete ${what}` };
  }
  const found = podObjects(store).filter((pod) => pod.spec.nodeName === node);
  for (const { metadata } of found) store.remove('pods', metadata.namespace, metadata.name);
  return {
    exitCode: 0,
    stdout: found.map(({ metadata }) => `pod "${metadata.name}" force deleted\n`).join('') || 'No resources found\n',
    stderr:
      'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated.\n',
  };
}
