import { CERTIFICATE_LIFE } from '../durations.ts';
import { digestOf } from '../stand-in.ts';
import type { Instance, World } from '../world.ts';
import { mayKeepCertificate } from './agent-files.ts';
import { asText, guestEntry, guestText, removeGuest, writeGuest } from './files.ts';

const CHAIN = '/etc/certs/cert-chain.pem';
const KEY = '/etc/certs/key.pem';
const ROOT = '/etc/certs/root-cert.pem';
/** The agent's own files, which no other user can read. */
const OWN = { mode: 0o600, owner: 'istio-proxy', group: 'istio-proxy' } as const;

/**
 * The relevant parts of a workload certificate: its identity, its issuer and its expiry (docs/facts/istio-vm.md 5.8).
 */
export interface WorkloadCertificate {
  /** Its URI name; empty when a test's mesh sets none. */
  readonly identity: string;
  /** SHA-256 of the root certificate at the time of issue. */
  readonly root: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** The certificate that the agent would present, expired or not; undefined when it has none. */
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

/** Gives the agent its first root certificate. */
export function trustRoot(instance: Instance, root: string): void {
  writeGuest(instance, ROOT, root, { ...OWN, mode: 0o644 });
}

/**
 * Stores the agent's new certificate in /etc/certs (PROV_CERT and OUTPUT_CERTS point there), and the root certificate
 * as well, in the agent's own form and mode.
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

/** Deletes certificate and key. */
export function dropCertificate(instance: Instance): void {
  removeGuest(instance, CHAIN);
  removeGuest(instance, KEY);
}

/** The check in the scripts for a certificate without the expected identity (`ISTIO_VMS_IDENTITY` of sidecar.env). */
export function hasOtherIdentity(instance: Instance): boolean {
  const wanted = /^ISTIO_VMS_IDENTITY="(.*)"$/m.exec(guestText(instance, '/var/lib/istio-vms/sidecar.env') ?? '')?.[1];
  const is = workloadCertificate(instance)?.identity ?? '';
  return wanted !== undefined && is !== '' && is !== wanted;
}
