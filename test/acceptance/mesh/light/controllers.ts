import { createHash } from 'node:crypto';
import type { Api, ApiObject } from './api.ts';
import { sleep } from './processes.ts';

/**
 * Replaces the Deployment controller and the kubelets: creates a ReplicaSet for every Deployment and sets both to ready.
 * istioctl checks the ReplicaSet with the Deployment's pod template.
 * @returns a function that stops it
 */
export function startControllers(api: Api): () => void {
  const done = new Set<string>();
  let ended = false;
  const loop = async (): Promise<void> => {
    while (!ended) {
      const deployments = await api.list('/apis/apps/v1/deployments').catch(() => []);
      for (const deployment of deployments) {
        const key = `${deployment.metadata.uid ?? ''}/${String(deployment.metadata.generation)}`;
        if (done.has(key)) continue;
        // Fails if another client has changed the object; the next round tries again.
        await declareReady(api, deployment).then(
          () => done.add(key),
          () => undefined,
        );
      }
      await sleep(300);
    }
  };
  void loop();
  return () => (ended = true);
}

async function declareReady(api: Api, deployment: ApiObject): Promise<void> {
  const { name, uid, namespace = '', generation } = deployment.metadata;
  const { template, selector } = deployment['spec'];
  const hash = createHash('sha1').update(JSON.stringify(template)).digest('hex').slice(0, 8);
  const labels = { ...template.metadata.labels, 'pod-template-hash': hash };
  const sets = `/apis/apps/v1/namespaces/${namespace}/replicasets`;
  await api
    .create(sets, {
      metadata: {
        name: `${name}-${hash}`,
        labels,
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: true }],
      },
      spec: {
        replicas: 1,
        selector: { ...selector, matchLabels: { ...selector.matchLabels, 'pod-template-hash': hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    })
    .catch((error: unknown) => {
      if (!String(error).includes('AlreadyExists')) throw error;
    });
  const counts = { replicas: 1, readyReplicas: 1, availableReplicas: 1 };
  await api.patch(`${sets}/${name}-${hash}/status`, { status: { ...counts, fullyLabeledReplicas: 1 } });
  const conditions = [
    { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: '' },
    { type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable', message: '' },
  ];
  const status = { observedGeneration: generation, ...counts, updatedReplicas: 1, conditions };
  await api.patch(`/apis/apps/v1/namespaces/${namespace}/deployments/${name}/status`, { status });
}
