export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value at a path; undefined when the path does not exist. */
export function valueAt(from: Fields, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (isFields(value) ? value[key] : undefined), from);
}

/** The map at a path; empty when there is none. */
export function fieldsAt(from: Fields, ...path: readonly string[]): Fields {
  const value = valueAt(from, ...path);
  return isFields(value) ? value : {};
}

/** The maps of the list at a path. */
export function listAt(from: Fields, ...path: readonly string[]): readonly Fields[] {
  const value = valueAt(from, ...path);
  return Array.isArray(value) ? value.filter(isFields) : [];
}

/** A value and the path at which it was found. */
export type Found = readonly [path: string, value: unknown];

/**
 * The values at a path in `spec.values` and `spec.unvalidatedValues`, which istioctl merges; empty when neither has
 * one.
 */
export function chartValues(spec: Fields, ...path: readonly string[]): readonly Found[] {
  return ['values', 'unvalidatedValues']
    .map((values): Found => [`spec.${[values, ...path].join('.')}`, valueAt(spec, values, ...path)])
    .filter(([, value]) => value !== undefined);
}

/** A value as a chart writes it. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
