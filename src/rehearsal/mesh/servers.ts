import type { Pod } from '../cluster/shapes.ts';
import { guestText } from '../guest/files.ts';
import { ownApplication } from '../guest/listeners.ts';
import type { HttpAnswer, Instance } from '../world.ts';
import { http } from './answers.ts';
import { demoListens } from './health.ts';

/** The demo workload's answer, or undefined where nothing listens on that port. It serves a directory. */
export function demoAnswer(instance: Instance, port: number, path: string): HttpAnswer | undefined {
  if (!demoListens(instance, port)) return undefined;
  if (ownApplication(instance, port) !== undefined) return http(200, 'An application of its own\n');
  const page =
    path === '/' || path === '/index.html' ? guestText(instance, '/var/lib/istio-vms/demo/index.html') : undefined;
  return page === undefined ? http(404, '<h1>Error response</h1>\n<p>Error code: 404</p>\n') : http(200, page);
}

const HELLOWORLD = /examples-helloworld-(v\d+)(:|$)/;

/** What a sample pod answers on this port, or undefined where nothing listens. */
export function podAnswer(pod: Pod, port: number, path: string): HttpAnswer | undefined {
  const version = pod.spec.containers
    .map(({ image }) => HELLOWORLD.exec(image)?.[1])
    .find((found) => found !== undefined);
  if (version === undefined || port !== 5000) return undefined;
  return path === '/hello'
    ? http(200, `Hello version: ${version}, instance: ${pod.metadata.name}\n`)
    : http(404, 'Not Found');
}

/** Whether istiod added a proxy to this pod: only then it speaks mTLS. */
export const isInjected = (pod: Pod): boolean => pod.metadata.annotations?.['istio.io/rev'] !== undefined;
