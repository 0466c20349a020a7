/** Label selectors: `a=b,c!=d,e` of a command line, and the object form of policies. */

export type Labels = Readonly<Record<string, string>>;

interface Requirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values?: readonly string[];
}

export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly Requirement[];
}

/**
 * Whether the labels include a plain map, such as a Service's or a Gateway's selector. An empty map matches nothing.
 */
export function matchesMap(selector: Labels | undefined, labels: Labels | undefined): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels?.[key] === value);
}

/** Whether an object-form selector matches; an empty one matches everything, as in policies. */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  const equal = Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels?.[key] === value);
  return equal && (selector?.matchExpressions ?? []).every((requirement) => meets(requirement, labels ?? {}));
}

/** Parses `key=value`, `key==value`, `key!=value`, `key`, `!key`, comma separated. */
export function parseSelector(text: string): LabelSelector {
  return {
    matchExpressions: text.split(',').map((part): Requirement => {
      const unequal = /^([^=!]+)!=(.*)$/.exec(part);
      if (unequal !== null) return { key: unequal[1] as string, operator: 'NotIn', values: [unequal[2] as string] };
      const equal = /^([^=!]+)==?(.*)$/.exec(part);
      if (equal !== null) return { key: equal[1] as string, operator: 'In', values: [equal[2] as string] };
      return part.startsWith('!')
        ? { key: part.slice(1), operator: 'DoesNotExist' }
        : { key: part, operator: 'Exists' };
    }),
  };
}

/** An absent label satisfies NotIn and DoesNotExist, which makes the article's policy so wide (facts 8.1). */
function meets({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = labels[key];
  switch (operator) {
    case 'In':
      return value !== undefined && (values ?? []).includes(value);
    case 'NotIn':
      return value === undefined || !(values ?? []).includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}
