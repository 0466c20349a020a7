import { z } from 'zod';

/**
 * The syntax of a single value. Every pattern lists the characters it allows, for the whole value: spaces, quotes, line
 * breaks and leading dashes are refused because no pattern allows them. The message says what is expected.
 */
export type Syntax = z.ZodType<string>;

/** A text that matches as a whole. */
export function pattern(expression: RegExp, allowed: string): z.ZodString {
  return z.string().regex(expression, allowed);
}

const LABEL = 'a DNS label: lower-case letters, digits and hyphens, no hyphen at either end, at most 63 characters';

export const label = pattern(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, LABEL);

/** Names of Services and prefixes of machine names must begin with a letter (DNS-1035). */
export const letterLabel = pattern(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, `${LABEL}, a letter first`);

/** `istiod-<revision>` names a Service, hence the shorter limit. */
export const revision = pattern(
  /^(?!default$)[a-z0-9]([a-z0-9-]{0,54}[a-z0-9])?$/,
  'a DNS label of at most 56 characters, e.g. 1-19-3 (dots are not allowed), and not `default`: istioctl takes that name for an installation without a revision',
);

/** Valid in every engine, and within the length of a host name (docs/facts/multipass.md 1.3). */
export const machineName = pattern(
  /^[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/,
  'a machine name: letters, digits and hyphens, a letter first, no hyphen at the end, at most 63 characters',
);

export const port = wholeNumber(1, 65_535, 'a port: a whole number from 1 to 65535');

/** A whole number without sign, leading zero or decimals. */
export function wholeNumber(least: number, most: number, allowed?: string): Syntax {
  return z
    .string()
    .refine(
      (text) => /^(0|[1-9]\d{0,8})$/.test(text) && Number(text) >= least && Number(text) <= most,
      allowed ?? `a whole number from ${least} to ${most}`,
    );
}

const SIZE = /^(\d{1,12})(\.\d{1,6})?(?:([KMG])(?:i?B)?|B)?$/i;
const UNIT: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** A size in bytes (docs/facts/multipass.md 1.3), or undefined: powers of 1024, no `T`. */
export function sizeInBytes(text: string): number | undefined {
  const [, whole, decimals = '', unit] = SIZE.exec(text) ?? [];
  if (whole === undefined || (decimals !== '' && unit === undefined)) return undefined;
  return Number(whole + decimals) * (unit === undefined ? 1 : (UNIT[unit.toUpperCase()] ?? 1));
}

/** A size of at least `least`, which has the same syntax. */
export function size(least: string): Syntax {
  const minimum = sizeInBytes(least) ?? 0;
  return z
    .string()
    .refine((text) => (sizeInBytes(text) ?? -1) >= minimum, `a size of at least ${least}, e.g. 1536M or 4G (no T)`);
}

/** A separate rule rejects minors that are too old. */
export const istioVersion = pattern(
  /^[1-9]\d?\.(0|[1-9]\d?)\.(0|[1-9]\d?)(-(alpha|beta|rc)\.\d{1,2})?$/,
  'a full Istio version, e.g. 1.19.3',
);

export const k3sVersion = pattern(
  /^v[1-9]\d?\.\d{1,3}\.\d{1,3}\+k3s\d{1,2}$/,
  'a full k3s version, e.g. v1.28.15+k3s1',
);

/** 18.04 is excluded: its libc is too old for the arm64 Envoy (docs/facts/istio-vm.md 1.3). */
export const ubuntuRelease = pattern(
  /^((2\d)\.(04|10)|focal|jammy|noble|plucky|questing|resolute|lts)$/,
  'an Ubuntu release from 20.04 on, e.g. 22.04 or 24.04, or one of focal, jammy, noble, plucky, questing, resolute, lts',
);

export function oneOf(...words: readonly [string, ...string[]]): Syntax {
  return z.enum(words, `one of ${words.join(', ')}`);
}

/** A mirror URL without user or password (they would appear in logs) and without a query. */
export const mirrorUrl = pattern(
  /^(https?:\/\/[A-Za-z0-9.-]+(:\d{1,5})?|file:\/\/(?=\/))(\/[A-Za-z0-9._~%/-]*)?$/,
  'an http or https address without user, password, query or spaces, e.g. https://mirror.example/artifacts, or a directory, e.g. file:///srv/artifacts',
).refine((text) => URL.canParse(text), 'an http, https or file address that can be read');

/** Characters that no path may contain; `rules.ts` checks more, knowing the computer's own directories. */
export const path = z
  .string()
  .min(1, 'a path')
  .refine((text) => !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text), 'a path without control characters or line breaks')
  .refine((text) => !text.startsWith('-'), 'a path that does not begin with a dash');
