import { quiet } from '../../support/context.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { CORE_KINDS, createKubectl, ISTIO_KINDS, type Kubectl } from '../../../src/tools/kubectl.ts';
import type { Context } from '../../../src/system/system.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { fakeProcesses, type FakeProcesses, type Reply } from '../../support/fake-processes.ts';
import { ofKind } from '../../../src/kube/object.ts';

const K = 'kubectl --kubeconfig /d/kubeconfig --context c --request-timeout=20s';
const getLine = (kinds: string): string => `${K} get ${kinds} --all-namespaces --ignore-not-found --output=json`;
const ALL = getLine([...CORE_KINDS, ...ISTIO_KINDS].join(','));
const CORE = getLine(CORE_KINDS.join(','));
const KINDS = `${K} api-resources --verbs=list --output=name`;
const APPLY = `${K} apply --server-side --force-conflicts --field-manager=istio-vms --filename=-`;

const object = (kind: string, name: string, namespace?: string) => ({
  apiVersion: 'v1',
  kind,
  metadata: namespace === undefined ? { name } : { name, namespace },
});
const listOf = (...items: unknown[]): Reply => ({ stdout: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
const refused: Reply = {
  exitCode: 1,
  stderr: 'The connection to the server 10.1.1.2:6443 was refused - did you specify the right host or port?',
};
const unknownKind = (kind: string): Reply => ({
  exitCode: 1,
  stderr: `error: the server doesn't have a resource type "${kind}"`,
});

describe('createKubectl', () => {
  let processes: FakeProcesses;
  let clock: ReturnType<typeof fakeClock>;
  let kubectl: Kubectl;

  beforeEach(() => {
    processes = fakeProcesses();
    clock = fakeClock();
    kubectl = createKubectl({ processes, clock, config: { context: 'c', paths: { kubeconfig: '/d/kubeconfig' } } });
  });

  it('returns the version of the program', async () => {
    const line = 'kubectl version --client --output=json';
    processes.on(
      line,
      { stdout: '{"clientVersion":{"gitVersion":"v1.30.1"}}' },
      { stdout: 'Client Version: 1.19' },
      { failure: 'not-found' },
    );
    expect(await kubectl.clientVersion(quiet)).toBe('1.30.1');
    await expect(kubectl.clientVersion(quiet)).rejects.toMatchObject({ reason: 'tool-too-old' });
    await expect(kubectl.clientVersion(quiet)).rejects.toMatchObject({ reason: 'tool-missing' });
  });

  describe('get', () => {
    it('returns objects from a list, a single object, or none', async () => {
      const one = `${K} get nodes k1 --ignore-not-found --output=json`;
      processes.on(getLine('nodes'), listOf(object('Node', 'k1'), object('Node', 'k2')));
      processes.on(one, { stdout: JSON.stringify(object('Node', 'k1')) }, { stdout: '' });
      expect((await kubectl.get('nodes', {}, quiet)).map((each) => each.metadata.name)).toEqual(['k1', 'k2']);
      expect(await kubectl.get('nodes', { name: 'k1' }, quiet)).toHaveLength(1);
      expect(await kubectl.get('nodes', { name: 'k1' }, quiet)).toEqual([]);
    });

    it('keeps every field of an object', async () => {
      const full = { ...object('Service', 'a', 'n'), spec: { ports: [{ port: 80, name: 'a' }] }, status: { x: null } };
      processes.on(getLine('services'), listOf(full));
      expect(await kubectl.get('services', {}, quiet)).toEqual([full]);
    });

    it('returns no objects of an unknown kind, and all objects of the other kinds', async () => {
      processes.on(getLine('gateways.networking.istio.io'), unknownKind('gateways'));
      expect(await kubectl.get('gateways.networking.istio.io', {}, quiet)).toEqual([]);
      processes
        .on(getLine('nodes,gateways.networking.istio.io'), unknownKind('gateways'))
        .on(getLine('nodes'), listOf(object('Node', 'k1')));
      expect(await kubectl.get(['nodes', 'gateways.networking.istio.io'], {}, quiet)).toHaveLength(1);
      processes.on(getLine('nodes,pods'), unknownKind('strange'));
      expect(await kubectl.get(['nodes', 'pods'], {}, quiet)).toEqual([]);
    });

    it('retries with growing pauses while the API is starting', async () => {
      processes.on(getLine('nodes'), refused, { exitCode: 1, stderr: 'etcdserver: leader changed' }, listOf());
      expect(await kubectl.get('nodes', {}, quiet)).toEqual([]);
      expect(clock.slept).toEqual([1000, 2000]);
    });

    it('reports after the last retry that the API does not answer', async () => {
      processes.on(getLine('nodes'), refused);
      await expect(kubectl.get('nodes', {}, quiet)).rejects.toMatchObject({ reason: 'api-unreachable' });
      expect(processes.lines).toHaveLength(5);
    });

    it('does not retry a permanent error', async () => {
      processes.on(getLine('nodes'), {
        exitCode: 1,
        stderr: 'error: You must be logged in to the server (Unauthorized)',
      });
      await expect(kubectl.get('nodes', {}, quiet)).rejects.toMatchObject({ reason: 'api-unreachable' });
      expect(processes.lines).toHaveLength(1);
    });

    it('reports an answer that it cannot parse', async () => {
      processes.on(getLine('nodes'), { stdout: 'No resources found' });
      await expect(kubectl.get('nodes', {}, quiet)).rejects.toMatchObject({ reason: 'tool-failed' });
    });

    it('names the object and the field when an object does not have the shape of its kind', async () => {
      processes.on(getLine('nodes'), listOf({ ...object('Node', 'k1'), status: { addresses: 'none' } }));
      await expect(kubectl.get('nodes', {}, quiet)).rejects.toMatchObject({
        reason: 'tool-failed',
        message: 'Could not parse the output of kubectl: Node k1: status.addresses: expected array, received string.',
      });
    });
  });

  it.each<[string, Reply]>([
    ['a server that is down', refused],
    ['a missing kubeconfig', { exitCode: 1, stderr: 'error: stat /d/kubeconfig: no such file or directory' }],
  ])('returns the reason at once from tryGet: %s', async (_, reply) => {
    processes.on(getLine('nodes'), reply);
    expect(await kubectl.tryGet('nodes', {}, quiet)).toEqual({ unreachable: expect.stringMatching(/\.$/) as string });
    expect(clock.slept).toEqual([]);
  });

  describe('everything', () => {
    const core = listOf(object('Node', 'k1'), object('Service', 'istiod', 'a'), object('Service', 'istiod', 'b'));
    /** Defines the replies of a cluster without Istio. */
    const answer = (): void => {
      processes
        .on(ALL, unknownKind('gateways'))
        .on(KINDS, { stdout: `${CORE_KINDS.join('\n')}\n` })
        .on(CORE, core);
    };
    const count = (line: string): number => processes.lines.filter((each) => each === line).length;

    it('reads the cluster once for all callers and gives objects by kind and namespace', async () => {
      answer();
      const [snapshot, same] = await Promise.all([kubectl.everything(quiet), kubectl.everything(quiet)]);
      expect(same).toBe(snapshot);
      expect(await kubectl.everything(quiet)).toBe(snapshot);
      expect(processes.lines).toEqual([ALL, KINDS, CORE]);
      expect(ofKind(snapshot.objects, 'Service')).toHaveLength(2);
      expect(ofKind(snapshot.objects, 'Service', 'b').map(({ metadata }) => metadata.namespace)).toEqual(['b']);
      expect(ofKind(snapshot.objects, 'Node').map(({ metadata }) => metadata.name)).toEqual(['k1']);
    });

    it('reads again after a write, even a failed one, and after forget', async () => {
      answer();
      processes.on(APPLY, {}, { exitCode: 1, stderr: 'error: bad' });
      await kubectl.everything(quiet);
      await kubectl.apply([], quiet);
      await kubectl.everything(quiet);
      await expect(kubectl.apply([], quiet)).rejects.toThrow();
      await kubectl.everything(quiet);
      kubectl.forget();
      await kubectl.everything(quiet);
      await kubectl.everything(quiet);
      expect(count(CORE)).toBe(4);
      expect([count(ALL), count(KINDS)]).toEqual([1, 1]);
    });

    it('lists the kinds only before and after an install, and then reads all of them in one call', async () => {
      answer();
      await kubectl.everything(quiet);
      kubectl.forgetKinds();
      processes.on(ALL, listOf(object('Node', 'k1'), object('Gateway', 'g')));
      expect((await kubectl.everything(quiet)).objects).toHaveLength(2);
      kubectl.forget();
      await kubectl.everything(quiet);
      expect(processes.lines).toEqual([ALL, KINDS, CORE, ALL, ALL]);
    });

    it('uses the kinds that are listed although another API is unavailable', async () => {
      answer();
      processes.on(KINDS, {
        exitCode: 1,
        stdout: `${CORE_KINDS.join('\n')}\n`,
        stderr: 'error: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: stale',
      });
      expect(ofKind((await kubectl.everything(quiet)).objects, 'Service')).toHaveLength(2);
    });

    it('does not cache a failure', async () => {
      processes.on(ALL, { exitCode: 1, stderr: 'strange' }, listOf());
      await expect(kubectl.everything(quiet)).rejects.toMatchObject({ reason: 'tool-failed' });
      expect((await kubectl.everything(quiet)).objects).toEqual([]);
    });

    it('retries for a caller that waits, even when a caller that does not wait reads at the same time', async () => {
      processes.on(ALL, refused, refused, listOf());
      const [withoutRetry, withRetry] = await Promise.all([kubectl.tryEverything(quiet), kubectl.everything(quiet)]);
      expect(withoutRetry).toHaveProperty('unreachable');
      expect(withRetry.objects).toEqual([]);
    });

    it('caches for a few seconds that the API does not answer', async () => {
      processes.on(ALL, refused);
      expect(await kubectl.tryEverything(quiet)).toHaveProperty('unreachable');
      expect(await kubectl.tryEverything(quiet)).toHaveProperty('unreachable');
      expect(processes.lines).toHaveLength(1);
      await clock.sleep(5_000);
      answer();
      expect(await kubectl.tryEverything(quiet)).toHaveProperty('objects');
    });
  });

  describe('writes', () => {
    it('retries an apply while a webhook is not ready', async () => {
      const webhook: Reply = {
        exitCode: 1,
        stderr: 'Error from server (InternalError): failed calling webhook "x": connection refused',
      };
      processes.on(APPLY, webhook, {});
      await kubectl.apply([], quiet);
      expect(processes.lines).toEqual([APPLY, APPLY]);
    });

    it('reports what it retries, and when', async () => {
      const messages: string[] = [];
      const conflict = { exitCode: 1, stderr: 'Error from server (Conflict): the object has been modified' };
      processes.on(APPLY, refused, conflict, {});
      await kubectl.apply([], { ...quiet, say: (text) => void messages.push(text) });
      expect(messages).toEqual([
        'The Kubernetes API does not answer. Trying again in 1s.',
        'Modified concurrently by another client. Trying again in 2s.',
      ]);
    });

    it('deletes objects, and treats an unknown kind as having none', async () => {
      const line = `${K} delete gateways.networking.istio.io x --namespace n --ignore-not-found --wait=true --timeout=120s`;
      processes.on(line, unknownKind('gateways'), {
        exitCode: 1,
        stderr: 'error: timed out waiting for the condition',
      });
      await kubectl.remove('gateways.networking.istio.io', 'x', 'n', quiet);
      await expect(kubectl.remove('gateways.networking.istio.io', 'x', 'n', quiet)).rejects.toMatchObject({
        reason: 'tool-failed',
      });
    });
  });

  describe('an interrupt', () => {
    const DELETE = `${K} delete namespace n --ignore-not-found --wait=true --timeout=120s`;
    const calls: readonly (readonly [string, string, (kubectl: Kubectl, running: Context) => Promise<unknown>])[] = [
      ['get', getLine('nodes'), (kubectl, running) => kubectl.get('nodes', {}, running)],
      ['everything', ALL, (kubectl, running) => kubectl.everything(running)],
      ['apply', APPLY, (kubectl, running) => kubectl.apply([], running)],
      ['remove', DELETE, (kubectl, running) => kubectl.remove('namespace', 'n', undefined, running)],
      [
        'restart',
        `${K} rollout restart deployment/d --namespace n`,
        (kubectl, running) => kubectl.restart('d', 'n', running),
      ],
      [
        'scale',
        `${K} scale deployment/d --namespace n --replicas=1`,
        (kubectl, running) => kubectl.scale('d', 'n', 1, running),
      ],
    ];

    it.each(calls)('stops %s from retrying, and is the reported reason', async (_, line, call) => {
      const interrupt = new AbortController();
      processes.on(line, () => {
        interrupt.abort();
        return refused;
      });
      await expect(call(kubectl, { ...quiet, signal: interrupt.signal })).rejects.toMatchObject({
        reason: 'interrupted',
        exitCode: 130,
      });
      expect(processes.lines).toEqual([line]);
    });

    it.each(calls)('ends the pause before a retry of %s, and is the reported reason', async (_, line, call) => {
      const interrupt = new AbortController();
      processes.on(line, refused);
      const running = { signal: interrupt.signal, say: () => interrupt.abort() };
      await expect(call(kubectl, running)).rejects.toMatchObject({ reason: 'interrupted' });
      expect(clock.slept).toEqual([]);
      expect(processes.lines).toEqual([line]);
    });

    it('does not replace an error that is not retried', async () => {
      const interrupt = new AbortController();
      processes.on(APPLY, () => {
        interrupt.abort();
        return { exitCode: 1, stderr: 'The Deployment "d" is invalid: spec.selector: field is immutable' };
      });
      await expect(kubectl.apply([], { ...quiet, signal: interrupt.signal })).rejects.toMatchObject({
        reason: 'tool-failed',
      });
    });

    it('may end a write, but does not prevent a cleanup, which runs once without a retry', async () => {
      const interrupt = new AbortController();
      processes.on(APPLY, {});
      processes.on(DELETE, refused);
      await kubectl.apply([], { ...quiet, signal: interrupt.signal });
      interrupt.abort();
      const cleanup = { ...quiet, signal: interrupt.signal, cleanup: true } as const;
      await expect(kubectl.remove('namespace', 'n', undefined, cleanup)).rejects.toMatchObject({
        reason: 'interrupted',
      });
      expect(processes.lines).toEqual([APPLY, DELETE]);
      expect(processes.commands.map(({ interruptible }) => interruptible)).toEqual([true, undefined]);
    });
  });

  it('returns the exit code of the program in the pod from exec', async () => {
    const place = { namespace: 'n', deployment: 'd', container: 'c' };
    processes.on(`${K} exec --namespace n deployment/d --container c -- curl x`, { exitCode: 56, stdout: '000' });
    await expect(kubectl.exec(place, ['curl', 'x'], 'read', quiet)).rejects.toMatchObject({
      name: 'CommandError',
      result: { exitCode: 56, stdout: '000' },
    });
  });

  it('restarts a Deployment and reads logs', async () => {
    const place = { namespace: 'n', deployment: 'd', container: 'c' };
    processes.on(`${K} rollout restart deployment/d --namespace n`, {});
    processes.on(`${K} logs --namespace n deployment/d --container c --tail=50`, { stdout: 'line\n' });
    await kubectl.restart('d', 'n', quiet);
    expect(await kubectl.logs(place, quiet)).toBe('line\n');
  });
});
