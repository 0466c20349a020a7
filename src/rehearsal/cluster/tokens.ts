import type { SimulatedCluster } from './kube.ts';

/** The claims of a cluster's service account token. */
export interface TokenClaims {
  readonly audience: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Uid of the service account. */
  readonly uid: string;
  /** Seconds since 1970. */
  readonly expires: number;
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token as TokenRequest returns it: a JWT that anyone can read and only this cluster can sign. */
export function issueToken(cluster: SimulatedCluster, claims: TokenClaims, issued: number): string {
  const payload = {
    aud: [claims.audience],
    exp: claims.expires,
    iat: issued,
    iss: 'https://kubernetes.default.svc.cluster.local',
    'kubernetes.io': { namespace: claims.namespace, serviceaccount: { name: claims.serviceAccount, uid: claims.uid } },
    nbf: issued,
    sub: `system:serviceaccount:${claims.namespace}:${claims.serviceAccount}`,
  };
  const text = `${encode({ alg: 'RS256', kid: 'k3s' })}.${encode(payload)}`;
  return `${text}.${cluster.sign(text)}`;
}

/** The claims of a token that this cluster has issued, also of an expired one; undefined for anything else. */
export function readToken(cluster: SimulatedCluster, token: string): TokenClaims | undefined {
  const [header, body, signature] = token.trim().split('.');
  if (body === undefined || cluster.sign(`${header ?? ''}.${body}`) !== signature) return undefined;
  const payload = JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as {
    aud: string[];
    exp: number;
    'kubernetes.io': { namespace: string; serviceaccount: { name: string; uid: string } };
  };
  const { namespace, serviceaccount } = payload['kubernetes.io'];
  return {
    audience: payload.aud[0] ?? '',
    namespace,
    serviceAccount: serviceaccount.name,
    uid: serviceaccount.uid,
    expires: payload.exp,
  };
}
