/** The same token (a JWT), expired an hour ago. Its signature is invalid, but an expired token is refused anyway. */
export function expired(token: string, now: number): string {
  const [header = '', payload = '', signature = ''] = token.trim().split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Record<string, unknown>;
  const past = { ...claims, iat: now - 7_200, nbf: now - 7_200, exp: now - 3_600 };
  return `${[header, Buffer.from(JSON.stringify(past)).toString('base64url'), signature].join('.')}\n`;
}
