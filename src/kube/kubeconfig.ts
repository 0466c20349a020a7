import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { CliError } from '../errors/cli-error.ts';

const schema = z.looseObject({
  clusters: z.array(
    z.looseObject({
      cluster: z.looseObject({
        server: z.string().optional(),
        'certificate-authority-data': z.string().optional(),
      }),
    }),
  ),
  users: z.array(z.looseObject({ user: z.looseObject({}) })),
});

/**
 * The kubeconfig of k3s, adapted for use from this computer: another server URL, our own context name, the same keys.
 *
 * @throws CliError `tool-failed`
 */
export function rewriteKubeconfig(text: string, server: string, context: string): string {
  const source = schema.safeParse(parse(text));
  if (!source.success) {
    throw new CliError('tool-failed', {
      message: 'Could not parse the kubeconfig that k3s wrote.',
      hint: 'Re-run the same command; k3s may have been writing it.',
      cause: source.error,
    });
  }
  const { clusters, users } = source.data;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: context, cluster: { ...clusters[0]?.cluster, server } }],
    users: [{ name: context, user: users[0]?.user }],
    contexts: [{ name: context, context: { cluster: context, user: context } }],
    'current-context': context,
  });
}

/** The cluster's CA as written in a kubeconfig (base64); it is different for each cluster. */
export function authorityOf(kubeconfig: string): string | undefined {
  return clusterIn(kubeconfig)?.['certificate-authority-data'];
}

/** The API server URL of the first cluster in a kubeconfig. */
export function serverOf(kubeconfig: string): string | undefined {
  return clusterIn(kubeconfig)?.server;
}

const firstCluster = schema.pick({ clusters: true });

type KubeconfigCluster = NonNullable<z.infer<typeof firstCluster>['clusters'][number]>['cluster'];

/** The kubeconfig that was parsed last: a run asks several times about the same one. */
let last: { readonly text: string; readonly cluster: KubeconfigCluster | undefined } | undefined;

function clusterIn(kubeconfig: string): KubeconfigCluster | undefined {
  if (last?.text !== kubeconfig) {
    const { data } = firstCluster.safeParse(parse(kubeconfig));
    last = { text: kubeconfig, cluster: data?.clusters[0]?.cluster };
  }
  return last.cluster;
}
