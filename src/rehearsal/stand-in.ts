import { createHash } from 'node:crypto';

/**
 * A few bytes that stand for a large artifact: JSON that describes it. It is really copied, archived and read; only its
 * size and, where the real artifact's digest is pinned, its digest are those of the real artifact.
 */
export interface StandIn {
  readonly artifact: string;
  readonly version: string;
  /** `amd64`, `arm64`, or for istioctl its release name, e.g. `osx-arm64`. */
  readonly cpu: string;
  /** Size of the real artifact in bytes. */
  readonly size?: number;
  /** Pinned SHA-256 of the real artifact. */
  readonly digest?: string;
}

/** The `artifact` of k3s' own images in one file. */
export const K3S_IMAGES = 'k3s-airgap-images';

/** The bytes of a stand-in; the same facts give the same bytes. */
export function standInBytes(standIn: StandIn): Uint8Array {
  return Buffer.from(`${JSON.stringify(standIn)}\n`, 'utf8');
}

/** What these bytes stand for, or undefined for anything else. */
export function readStandIn(content: string | Uint8Array | undefined): StandIn | undefined {
  if (content === undefined) return undefined;
  const head = typeof content === 'string' ? content.slice(0, 12) : Buffer.from(content.subarray(0, 12)).toString();
  if (head !== '{"artifact":') return undefined;
  try {
    return JSON.parse(Buffer.from(content as Uint8Array).toString()) as StandIn;
  } catch {
    return undefined; // a truncated file stands for nothing
  }
}

/** SHA-256 in lower-case hex: the pinned digest of a stand-in, otherwise that of the bytes themselves. */
export function digestOf(content: string | Uint8Array): string {
  return readStandIn(content)?.digest ?? createHash('sha256').update(content).digest('hex');
}

/** Size in bytes of the real artifact, or of the content itself. */
export function sizeOf(content: string | Uint8Array): number {
  return readStandIn(content)?.size ?? Buffer.byteLength(content);
}
