import { CURL_IMAGE } from '../../../../src/kube/manifests/deployment.ts';
import { podProblem } from '../../../../src/steps/pod-reasons.ts';
import type { KubeObject } from '../../../../src/kube/kinds.ts';

/** Namespace that contains only these Deployments. */
export const NAMESPACE = 'recorded';
/** An image that the nodes have. */
const OURS = { image: CURL_IMAGE, imagePullPolicy: 'IfNotPresent' };

interface PodFailure {
  /** Name of the Deployment. */
  readonly name: string;
  /** Kinds that podProblem may report; a container that cannot start is later reported as crashing. */
  readonly kinds: readonly string[];
  readonly container: object;
  readonly pod?: object;
}

/** Deployments whose pods cannot start. */
const ALL: readonly PodFailure[] = [
  { name: 'registry-away', kinds: ['image pull'], container: { image: 'registry.invalid/absent:1' } },
  { name: 'bad-image-name', kinds: ['image name'], container: { image: 'Not An Image' } },
  { name: 'never-pulled', kinds: ['image name'], container: { image: 'absent:1', imagePullPolicy: 'Never' } },
  { name: 'crashing', kinds: ['crash'], container: { ...OURS, command: ['false'] } },
  {
    name: 'no-command',
    kinds: ['container', 'crash'],
    container: { ...OURS, command: ['/absent'] },
  },
  {
    name: 'no-secret',
    kinds: ['container', 'crash'],
    container: {
      ...OURS,
      env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'absent', key: 'a' } } }],
    },
  },
  {
    name: 'no-room',
    kinds: ['no room'],
    container: { ...OURS, resources: { requests: { memory: '500Gi' } } },
  },
  {
    name: 'no-account',
    kinds: ['not created'],
    container: { ...OURS },
    pod: { serviceAccountName: 'absent' },
  },
];

/** The failures, each with a function that tells whether the cluster reports it yet. */
export const FAILING_OBJECTS = ALL.map(({ name, kinds }) => ({
  name,
  kinds,
  isReported: (objects: readonly KubeObject[]): boolean =>
    kinds.includes(podProblem(objects, name, NAMESPACE)?.kind ?? ''),
}));

/** The objects that cause the failures. */
export const FAILING_MANIFESTS: readonly KubeObject[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
  ...ALL.map(({ name, container, pod = {} }) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'a', ...container }], ...pod },
      },
    },
  })),
];
