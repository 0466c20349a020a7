import { z } from 'zod';
import type { Command } from '../system/system.ts';

/** The agent's certificate, as Envoy holds it. */
export interface Identity {
  /** `spiffe://<trust domain>/ns/<namespace>/sa/<service account>` */
  readonly uri: string;
  /** ISO time. */
  readonly expires: string;
}

/** The part of Envoy's `/certs` that we read (docs/facts/istio-vm.md 5.7). */
const certs = z.object({
  certificates: z.array(
    z.object({
      cert_chain: z
        .array(
          z.object({
            expiration_time: z.string().default(''),
            subject_alt_names: z.array(z.object({ uri: z.string().optional() })).default([]),
          }),
        )
        .default([]),
    }),
  ),
});

/**
 * Queries Envoy's admin port on the machine. Runs as root, because traffic rules do not apply to root's loopback
 * traffic.
 */
export function certificatesCommand(): Command {
  return {
    file: 'sudo',
    args: ['curl', '--silent', '--max-time', '5', 'http://127.0.0.1:15000/certs'],
    effect: 'read',
    timeoutMs: 20_000,
  };
}

/** Identities in the output; empty when it is not Envoy's format. */
export function parseIdentities(stdout: string): readonly Identity[] {
  const parsed = certs.safeParse(parseJson(stdout));
  if (!parsed.success) return [];
  return parsed.data.certificates.flatMap(({ cert_chain: chain }) =>
    chain.flatMap(({ subject_alt_names: names, expiration_time: expires }) =>
      names.flatMap(({ uri }) => (uri === undefined ? [] : [{ uri, expires }])),
    ),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
