const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  m: 0.001,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A Kubernetes quantity as a number: bytes, or whole CPUs. `2Gi`, `500m`, `1`. @throws Error on other text */
export function quantity(text: string | number): number {
  const match = /^(\d+(?:\.\d+)?)(m|k|K|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(String(text));
  if (match === null) throw new Error(`quantities must match the regular expression: ${String(text)}`);
  return Number(match[1]) * (FACTORS[match[2] ?? ''] as number);
}

/** Bytes of a size in the grammar of the configuration, where G means GiB. */
export function machineBytes(size: string): number {
  const match = /^(\d+(?:\.\d+)?)([KMG]?)(?:i?B)?$/i.exec(size);
  if (match === null) return 0;
  return (
    Number(match[1]) *
    { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }[(match[2] ?? '').toUpperCase() as '' | 'K' | 'M' | 'G']
  );
}
