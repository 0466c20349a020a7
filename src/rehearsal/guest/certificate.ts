import { CERTIFICATE_LIFE } from '../durations.ts';
import { digestOf } from '../stand-in.ts';
import type { Instance, World } from '../world.ts';
import { mayKeepCertificate } from './agent-files.ts';
import { asText, guestEntry, guestText, removeGuest, writeGuest } from './files.ts';

const CHAIN = '/etc/certs/cert-chain.pem';
const KEY = '/etc/certs/key.pem';
const ROOT = '/etc/certs/root-cert.pem';
/** The agent's own files: for nobody else. */
const OWN = { mode: 0o600, owner: 'istio-proxy', group: 'istio-proxy' } as const;

/**
 * What counts of a workload certificate: whose it is, who signed it, and until when it holds
 * (docs/facts/istio-vm.md 5.8).
 */
export interface WorkloadCertificate {
  /** Its URI name; empty where a test's mesh says nothing of it. */
  readonly identity: string;
  /** SHA-256 of the root certificate of that moment. */
  readonly root: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** The certificate that the agent would offer, expired or not; undefined where it has none. */
export function workloadCertificate(instance: Instance): WorkloadCertificate | undefined {
  const entry = guestEntry(instance, CHAIN);
  if (entry === undefined || guestEntry(instance, KEY) === undefined) return undefined;
  const body = asText(entry.content).split('\n')[1] ?? '';
  return JSON.parse(Buffer.from(body, 'base64').toString('utf8')) as WorkloadCertificate;
}

/** The root certificate that the agent trusts; undefined without one. */
export function trustedRoot(instance: Instance): string | undefined {
  const text = guestText(instance, ROOT);
  // The agent writes it without the newline at its end.
  return text === undefined ? undefined : `${text.trimEnd()}\n`;
}

/** Gives the agent a root certificate to begin with. */
export function trustRoot(instance: Instance, root: string): void {
  writeGuest(instance, ROOT, root, { ...OWN, mode: 0o644 });
}

/**
 * The agent has been given a certificate and keeps it in /etc/certs (PROV_CERT and OUTPUT_CERTS point there), the root
 * certificate as well, in its own form and with its own mode.
 */
export function keepCertificate(world: World, instance: Instance, identity = ''): void {
  if (!mayKeepCertificate(instance)) return;
  const certificate: WorkloadCertificate = {
    identity,
    root: digestOf(trustedRoot(instance) ?? ''),
    expires: world.clock.now() + CERTIFICATE_LIFE,
  };
  const body = Buffer.from(JSON.stringify(certificate)).toString('base64');
  writeGuest(instance, CHAIN, `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`, OWN);
  writeGuest(instance, KEY, '-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n', OWN);
  writeGuest(instance, ROOT, (trustedRoot(instance) ?? '').trimEnd(), OWN);
}

/** Forgets certificate and key. */
export function dropCertificate(instance: Instance): void {
  removeGuest(instance, CHAIN);
  removeGuest(instance, KEY);
}

/** What the scripts do with a certificate that is not of the wanted identity (`ISTIO_VMS_IDENTITY` of sidecar.env). */
export function hasOtherIdentity(instance: Instance): boolean {
  const wanted = /^ISTIO_VMS_IDENTITY="(.*)"$/m.exec(guestText(instance, '/var/lib/istio-vms/sidecar.env') ?? '')?.[1];
  const is = workloadCertificate(instance)?.identity ?? '';
  return wanted !== undefined && is !== '' && is !== wanted;
}
