/** An address for documentation (RFC 5737), so that no recording names a real one. */
const SERVER = '192.0.2.1:6443';
const LONG_TEXT = 300;
/** JSON of at least this many characters is reduced to its shape. */
const LONG_JSON = 3_000;

/** Replaces secrets and values that change with every run. */
export function normalise(text: string, directory: string): string {
  return (
    text
      .replaceAll(directory, '/lab')
      .replace(/eyJ[\w-]{8,}\.[\w-]+\.[\w-]+/g, 'TOKEN')
      .replace(/-----BEGIN [^-]+-----[\s\S]*?-----END [^-]+-----/g, 'PEM')
      // PEM in base64, as in kubeconfigs and webhooks.
      .replace(/LS0tLS1CRUdJTi[\w+/=]+/g, 'UEVN')
      .replace(/\b\d{1,3}(?:\.\d{1,3}){3}:\d+->\d{1,3}(?:\.\d{1,3}){3}:\d+/g, `192.0.2.2:40000->${SERVER}`)
      .replace(/\b127\.0\.0\.1:\d+/g, SERVER)
      .replace(/\b10\.43\.\d+\.\d+/g, '10.43.0.9')
      // The rig's machines (test/acceptance/install-incus.sh).
      .replace(/\b10\.98\.77\.\d+\b/g, '192.0.2.3')
      .replace(/\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/g, '00000000-0000-0000-0000-000000000000')
      .replace(/\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, '2026-01-01T00:00:00Z')
      // Header of a klog line: day, time, process ID.
      .replace(/^([EWI])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ /gm, '$10101 00:00:00.000000       1 ')
      .replace(/("resourceVersion": ?)"\d+"/g, '$1"1"')
  );
}

/** Reduces long JSON to its shape: merges array elements of the same kind and replaces long texts. */
export function shortened(stdout: string): string {
  if (stdout.length < LONG_JSON) return stdout;
  try {
    return `${JSON.stringify(shape(JSON.parse(stdout)), null, 1)}\n`;
  } catch {
    return stdout;
  }
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function shape(value: unknown): unknown {
  if (typeof value === 'string') return value.length > LONG_TEXT ? 'a long text' : value;
  if (Array.isArray(value)) return oneOfEachKind(value as unknown[]).map(shape);
  return isFields(value) ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shape(each)])) : value;
}

/** Merges array elements with the same `kind`, `type` or `name`, or all elements if they have none of these. */
function oneOfEachKind(values: readonly unknown[]): unknown[] {
  const kinds = new Map<unknown, unknown>();
  for (const value of values) {
    const kind = isFields(value) ? (value['kind'] ?? value['type'] ?? value['name'] ?? '') : typeof value;
    kinds.set(kind, kinds.has(kind) ? mergeShapes(kinds.get(kind), value) : value);
  }
  return [...kinds.values()];
}

/** Merges two values; the first one wins where both have a value. */
function mergeShapes(a: unknown, b: unknown): unknown {
  if (Array.isArray(a) && Array.isArray(b)) return oneOfEachKind([...(a as unknown[]), ...(b as unknown[])]);
  if (!isFields(a) || !isFields(b)) return a;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries(
    [...keys].map((key) => [key, key in a && key in b ? mergeShapes(a[key], b[key]) : (a[key] ?? b[key])]),
  );
}
