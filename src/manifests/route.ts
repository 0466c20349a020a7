import type { Config } from '../config/config.ts';
import { labels } from './labels.ts';
import type { Manifest } from './object.ts';

/** Port on which the mesh finds the machine's workload. */
export const ROUTE_PORT = 8000;

/** The Service in front of the machine: its selector matches the labels of the WorkloadEntry. */
export function routeObjects(config: Config): readonly Manifest[] {
  const { app, appPort, namespace } = config.vm;
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: app, namespace, labels: { ...labels(config), app } },
      spec: { selector: { app }, ports: [{ name: 'http', port: ROUTE_PORT, targetPort: appPort, protocol: 'TCP' }] },
    },
  ];
}
