/** Masks secrets in everything that is printed or written to files. */
export interface Mask {
  /** Registers a secret; one shorter than six characters is ignored, because masking it would hide ordinary text. */
  add(secret: string): void;
  /** The text with every registered secret, in all of its encodings, replaced by `***`. */
  text(text: string): string;
}

const SHORTEST = 6;

export function createMask(): Mask {
  const forms = new Set<string>();
  let pattern: RegExp | undefined;
  return {
    add(secret) {
      for (const form of formsOf(secret)) forms.add(form);
      pattern = undefined;
    },
    text(text) {
      if (forms.size === 0) return text;
      pattern ??= anyOf([...forms]);
      return text.replace(pattern, '***');
    },
  };
}

/** A secret as it is, and as it appears inside base64, a URL, or a JSON string. */
function formsOf(secret: string): string[] {
  const whole = secret.trim();
  if (whole.length < SHORTEST) return [];
  const base64 = Buffer.from(whole).toString('base64').replace(/=+$/, '');
  // The last base64 group depends on what follows (often a newline); the groups before it never change.
  const steady = base64.slice(0, Math.floor(Buffer.byteLength(whole) / 3) * 4);
  const urlSafe = (text: string): string => text.replaceAll('+', '-').replaceAll('/', '_');
  const forms = [
    whole,
    base64,
    steady,
    urlSafe(base64),
    urlSafe(steady),
    encodeUri(whole),
    JSON.stringify(whole).slice(1, -1),
  ];
  return forms.filter((form) => form.length >= SHORTEST);
}

function encodeUri(text: string): string {
  // A lone surrogate cannot be encoded, so that form cannot occur.
  try {
    return encodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Longest first, so that a secret that contains another one is masked completely. */
function anyOf(forms: string[]): RegExp {
  const sorted = forms.sort((a, b) => b.length - a.length);
  return new RegExp(sorted.map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g');
}
