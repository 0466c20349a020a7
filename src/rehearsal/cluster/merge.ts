import { isDeepStrictEqual } from 'node:util';

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Server-side apply in small: maps merge, everything else is replaced, and what the same manager applied before and
 * leaves out now goes away. (Lists keyed by name merge in a real server; no list of ours has two owners.)
 */
export function mergeApplied(current: Fields, before: Fields | undefined, next: Fields): Fields {
  const merged: Fields = { ...current };
  for (const key of Object.keys(before ?? {})) {
    if (key in next) continue;
    const was = before?.[key];
    const now = merged[key];
    if (isFields(was) && isFields(now)) {
      const rest = mergeApplied(now, was, {});
      if (Object.keys(rest).length === 0) Reflect.deleteProperty(merged, key);
      else merged[key] = rest;
    } else Reflect.deleteProperty(merged, key);
  }
  for (const [key, value] of Object.entries(next)) {
    const now = merged[key];
    const was = before?.[key];
    merged[key] =
      isFields(value) && isFields(now) ? mergeApplied(now, isFields(was) ? was : undefined, value) : value;
  }
  return merged;
}

/** Whether two values are the same, key order aside. */
export const same = (a: unknown, b: unknown): boolean => isDeepStrictEqual(a, b);
