import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { CliError } from '../errors/cli-error.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** It becomes part of a path in the cache, so only a plain file name is allowed. */
const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/);
const cpu = z.enum(['amd64', 'arm64']);
const size = z.number().int().nonnegative();

const schema = z.object({
  format: z.literal(1),
  istio: z.string(),
  k3s: z.string(),
  cpus: z.array(cpu).min(1),
  files: z.array(z.object({ id: z.string(), version: z.string(), file: fileName, mode: z.number(), sha256, size })),
  images: z.array(z.object({ cpu, file: fileName, names: z.array(z.string()), sha256, size })),
});

/**
 * The contents of a bundle. It holds no date and nothing about the computer that created it, so bundles are
 * reproducible.
 */
export type BundleManifest = z.infer<typeof schema>;
export type BundledFile = BundleManifest['files'][number];
export type BundledImages = BundleManifest['images'][number];

export const MANIFEST = 'manifest.json';
/**
 * Detects a manifest that was changed in transit. It cannot detect that both files were changed; only the digest of the
 * whole bundle can.
 */
export const MANIFEST_SUM = 'manifest.json.sha256';

/** Path of a file, the same in the bundle and in the cache. */
export function contentPath({ sha256: digest, file }: { readonly sha256: string; readonly file: string }): string {
  return `sha256/${digest}/${file}`;
}

export function renderManifest(manifest: BundleManifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** @throws CliError `digest-mismatch` when it is not a manifest of istio-vms */
export function parseManifest(text: string, bundle: string): BundleManifest {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new CliError('digest-mismatch', {
      message: `${MANIFEST} in ${bundle} was not written by istio-vms.`,
      hint: 'Copy the bundle again, or create one with `istio-vms bundle create`.',
      cause,
    });
  }
}

/**
 * Checks that the bundle has the configured Istio and k3s versions.
 * @throws CliError `invalid-configuration` when it does not
 */
export function requireFitting(manifest: BundleManifest, config: Config, bundle: string): void {
  const wanted = [
    ['ISTIO_VERSION', config.istio.version, manifest.istio],
    ['K3S_VERSION', config.k3s.version, manifest.k3s],
  ] as const;
  const different = wanted.filter(([, asked, has]) => asked !== has);
  if (different.length === 0) return;
  throw new CliError('invalid-configuration', {
    message: `${bundle} was created for other versions than those of the configuration; nothing was changed.`,
    details: different.map(([name, asked, has]) => `${name} is ${asked}, the bundle contains ${has}`),
    hint: `Set the versions of the bundle (${wanted.map(([name, , has]) => `--set ${name}=${has}`).join(' ')}), or create another one with \`istio-vms bundle create\`.`,
  });
}
