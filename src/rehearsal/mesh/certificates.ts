import { workloadCertificate } from '../guest/certificate.ts';
import type { Instance } from '../world.ts';
import type { Connection } from './registration.ts';
import { CERTIFICATE_LIFE } from '../durations.ts';

/** Envoy's `/certs`: the machine's identity in the mesh and when it expires (docs/facts/istio-vm.md 6.3). */
export function certificatesJson(instance: Instance, { settings, group, since }: Connection, now: number): string {
  const kept = workloadCertificate(instance);
  const expires = kept?.expires ?? since + CERTIFICATE_LIFE;
  const uri =
    kept?.identity ||
    `spiffe://cluster.local/ns/${settings.namespace}/sa/${group?.spec.template?.serviceAccount ?? 'default'}`;
  const times = {
    days_until_expiration: String(Math.floor((expires - now) / 86_400_000)),
    valid_from: new Date(expires - CERTIFICATE_LIFE).toISOString(),
    expiration_time: new Date(expires).toISOString(),
  };
  const chain = { path: '<inline>', serial_number: String(since), subject_alt_names: [{ uri }], ...times };
  const root = { path: '<inline>', serial_number: '1', subject_alt_names: [], ...times };
  return `${JSON.stringify({ certificates: [{ ca_cert: [root], cert_chain: [chain] }] }, null, 1)}\n`;
}
