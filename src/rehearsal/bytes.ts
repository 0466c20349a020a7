/** Two pieces of output as one; it stays text where both are. */
export function joined(first: string, second: string | Uint8Array): string | Uint8Array {
  if (typeof second === 'string') return first + second;
  return Buffer.concat([Buffer.from(first), second]);
}
