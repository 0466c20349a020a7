import type { Config } from '../../config/config.ts';
import { labels, type Manifest } from './manifest.ts';

export interface DeploymentInput {
  readonly name: string;
  readonly namespace: string;
  /** Labels of the pods, also used as the selector of the Deployment. */
  readonly labels: Readonly<Record<string, string>>;
  readonly container: Readonly<Record<string, unknown>> & { readonly name: string; readonly image: string };
}

/** The curl image for the article's requests, pinned, for both CPUs. */
export const CURL_IMAGE = 'docker.io/curlimages/curl:8.4.0';

/** A Deployment of one small pod with one container. */
export function deployment(config: Config, { name, namespace, labels: own, container }: DeploymentInput): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: { ...labels(config), ...own } },
    spec: {
      replicas: 1,
      selector: { matchLabels: own },
      template: {
        metadata: { labels: { ...labels(config), ...own } },
        spec: { terminationGracePeriodSeconds: 1, containers: [{ imagePullPolicy: 'IfNotPresent', ...container }] },
      },
    },
  };
}

/** A pod that sleeps, so that requests can be made from it. Its container is named `curl`. */
export function curlClient(config: Config, name: string, namespace: string): Manifest {
  return deployment(config, {
    name,
    namespace,
    labels: { app: name },
    container: {
      name: 'curl',
      image: CURL_IMAGE,
      command: ['sleep', 'infinity'],
      resources: { requests: { cpu: '10m', memory: '16Mi' } },
    },
  });
}
