import { VARIABLE_NAMES, type VariableName } from './schema.ts';

/** The variable that a misspelled name was probably meant to be; undefined when none is similar. */
export function nearestVariable(name: string): VariableName | undefined {
  const folded = name.toUpperCase().replaceAll('-', '_');
  // One wrong character in a short name, two in a longer one: `pwd` and `CERT_MANAGER_NAMESPACE` must not match.
  const slips = (known: string) => (known.length < 8 ? 1 : 2);
  return VARIABLE_NAMES.find((known) => distance(folded, known, slips(known)) <= slips(known));
}

/** Levenshtein distance, capped: anything above `most` is `most + 1`. */
function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
