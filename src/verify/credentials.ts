/** Text for an expired token; undefined while it is valid. Times in seconds since 1970. */
export function tokenText(expires: number | undefined, now: number): string | undefined {
  if (expires === undefined) return 'the token cannot be read';
  return expires > now ? undefined : `the token expired at ${iso(expires)}`;
}

/** Text for what is wrong with the certificate; undefined while it is valid. Times in seconds since 1970. */
export function certificateText(expires: number | undefined, now: number): string | undefined {
  if (expires === undefined) return 'the VM has no certificate';
  return expires > now ? undefined : `the certificate of the VM expired at ${iso(expires)}`;
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();
