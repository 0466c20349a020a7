import type { Config } from '../../config/config.ts';
import { INGRESS_GATEWAY } from '../manifests/control-plane.ts';
import { GATEWAY_SERVICE, servicePorts } from '../manifests/east-west-gateway.ts';
import { fieldsAt, listAt, valueAt, type Fields } from './fields.ts';

/**
 * Ports of the ingress gateway in profile `demo`, in every version (manifests/profiles and helm-profiles, demo.yaml).
 */
const DEMO_PORTS = [15021, 80, 443, 31400, 15443];

/**
 * Gateways of an overlay that would use a port of the east-west gateway. On every node the ServiceLB of k3s gives each
 * port to only one LoadBalancer Service (docs/facts/k3s.md 4), so the address of the other Service stays pending.
 */
export function portClashes(spec: Fields, config: Config): readonly string[] {
  const isDemo = [valueAt(spec, 'profile'), valueAt(spec, 'values', 'profile')].includes('demo');
  const ingress = listAt(spec, 'components', 'ingressGateways').filter(({ name }) => name !== GATEWAY_SERVICE);
  const named = ingress.some(({ name }) => name === INGRESS_GATEWAY);
  const kinds = [
    {
      gateways: isDemo && !named ? [...ingress, { name: INGRESS_GATEWAY }] : ingress,
      values: fieldsAt(spec, 'values', 'gateways', INGRESS_GATEWAY),
      defaults: isDemo ? DEMO_PORTS : [],
      defaultType: 'LoadBalancer',
    },
    {
      gateways: listAt(spec, 'components', 'egressGateways'),
      values: fieldsAt(spec, 'values', 'gateways', 'istio-egressgateway'),
      defaults: [],
      defaultType: 'ClusterIP',
    },
  ];
  return kinds.flatMap(({ gateways, values, defaults, defaultType }) => {
    const rows: readonly Fields[] = gateways.length > 0 ? gateways : Object.keys(values).length > 0 ? [{}] : [];
    return rows
      .filter(({ enabled }) => enabled !== false)
      .flatMap((gateway) => {
        const service = fieldsAt(gateway, 'k8s', 'service');
        const type = service['type'] ?? values['type'] ?? defaultType;
        if (type !== 'LoadBalancer') return [];
        const own = portNumbers(service) ?? portNumbers(values);
        const taken = servicePorts(config).filter(({ port }) => (own ?? defaults).includes(port));
        const name = typeof gateway['name'] === 'string' ? gateway['name'] : INGRESS_GATEWAY;
        const where = own === undefined ? `profile demo gives ${name}` : `the overlay gives ${name}`;
        return taken.map(
          ({ port }) =>
            `${where} port ${port}, which the east-west gateway needs on every node; list other ports for it, or disable it`,
        );
      });
  });
}

function portNumbers(service: Fields): readonly number[] | undefined {
  if (!Array.isArray(service['ports'])) return undefined;
  return listAt(service, 'ports').map(({ port }) => Number(port));
}
