import type { KindInfo } from '../../cluster/kinds.ts';
import { matchesSelector, parseSelector } from '../../cluster/selectors.ts';
import { fromServer } from '../../cluster/api-error.ts';
import { isReady, type NodeObject } from '../../cluster/shapes.ts';
import { LID_CLOSED } from '../../durations.ts';
import { consumeFault } from '../../fault-state.ts';
import type { KubeObject } from '../../world.ts';
import { flag } from './args.ts';
import { kindNamed, type Verb } from './verb.ts';

/** `kubectl get`: JSON of one object, or of a List. */
export const get: Verb = {
  flags: {
    '--namespace': 'value',
    '--all-namespaces': 'switch',
    '--selector': 'value',
    '--ignore-not-found': 'switch',
    '--output': 'value',
  },
  run: async ({ call, cluster, parsed }) => {
    const [kinds, name, ...more] = parsed.words;
    if (kinds === undefined) return { exitCode: 1, stderr: 'error: You must specify the type of resource to get.\n' };
    if (more.length > 0)
      return {
        exitCode: 1,
        stderr: `error: unexpected argument: ${more[0] ?? ''}\n`,
        refused: `kubectl get ${more[0] ?? ''}`,
      };
    const output = flag(parsed, '--output');
    if (output !== 'json')
      return {
        exitCode: 1,
        stderr: `error: unable to match a printer suitable for the output format "${output ?? ''}"\n`,
        refused: `kubectl get --output=${output ?? '(none)'}`,
      };
    const infos = kinds.split(',').map((kind) => kindNamed(cluster.store, kind));
    const namespace = flag(parsed, '--namespace') ?? 'default';
    const selector = flag(parsed, '--selector');
    if (name !== undefined) {
      if (selector !== undefined)
        return { exitCode: 1, stderr: 'error: name cannot be provided when a selector is specified\n' };
      const info = infos[0] as KindInfo;
      const found = cluster.store.get(info.plural, info.namespaced ? namespace : undefined, name);
      if (found !== undefined) return { exitCode: 0, stdout: `${JSON.stringify(found, null, 4)}\n` };
      if (parsed.flags.has('--ignore-not-found')) return { exitCode: 0 };
      throw fromServer('NotFound', `${info.plural} "${name}" not found`);
    }
    const everywhere = parsed.flags.has('--all-namespaces');
    const items: KubeObject[] = infos.flatMap((info) =>
      cluster.store
        .list(info.plural)
        .filter(({ metadata }) => everywhere || !info.namespaced || metadata.namespace === namespace)
        .filter(({ metadata }) => selector === undefined || matchesSelector(parseSelector(selector), metadata.labels)),
    );
    const onTheWay = items.some((item) => item.kind === 'Node' && !isReady(item as NodeObject));
    if (onTheWay && consumeFault(call.world, 'slept-during-read')) call.world.clock.leap(LID_CLOSED);
    // With --ignore-not-found, an empty result prints nothing.
    if (items.length === 0 && parsed.flags.has('--ignore-not-found')) return { exitCode: 0 };
    return { exitCode: 0, stdout: listText(items) };
  },
};

/** JSON text of objects in a list. The store replaces an object that changes, so each text is built once. */
const texts = new WeakMap<KubeObject, string>();

function textOf(object: KubeObject): string {
  let text = texts.get(object);
  if (text === undefined) {
    text = JSON.stringify(object, null, 4).replaceAll('\n', '\n        ');
    texts.set(object, text);
  }
  return text;
}

/** A List as kubectl formats it. */
function listText(items: readonly KubeObject[]): string {
  const inside = items.length === 0 ? '[]' : `[\n        ${items.map(textOf).join(',\n        ')}\n    ]`;
  return `{\n    "apiVersion": "v1",\n    "items": ${inside},\n    "kind": "List",\n    "metadata": {\n        "resourceVersion": ""\n    }\n}\n`;
}
