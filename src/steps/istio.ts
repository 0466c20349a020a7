import type { Config } from '../config/config.ts';
import { CliError } from '../errors/cli-error.ts';
import { CONTROL_PLANE, controlPlane, INGRESS_GATEWAY, OWNER } from '../kube/manifests/control-plane.ts';
import { recordOf, withRecord, toYaml } from '../kube/manifests/manifest.ts';
import { networkNamespace } from '../kube/manifests/expose.ts';
import type { Finding } from '../plan/step.ts';
import { sha256 } from '../system/digest.ts';
import { applyObjects } from './apply.ts';
import {
  compareObjects,
  findObject,
  isTerminating,
  podsBehind,
  requireClusterSnapshot,
  clusterSnapshot,
  type ClusterSnapshot,
} from './cluster-snapshot.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';
import { deploymentState } from './deployment-state.ts';
import { stoppedNodes } from './node-health.ts';
import { staleGateway } from './proxies.ts';
import { install, restartDeployments } from './rollout.ts';

/** The revisioned control plane. */
export function istioStep(lab: Lab): LabStep {
  const { config, system } = lab;
  const document = toYaml([controlPlane(config)]);
  const file = `${config.paths.manifests}/control-plane.yaml`;

  return {
    id: 'istio',
    title: `Istio ${config.istio.version}, revision ${config.istio.revision}`,
    // Not a worker: pods stay Pending until there is one, and everything before them can be done by then.
    needs: ['istioctl', 'k3s-server', 'spare-workers'],
    requires: ['k3s-agent-1'],
    command: 'istio',
    tools: ['kubectl'],
    expectMs: 40_000,

    async check(context): Promise<Finding> {
      const view = await clusterSnapshot(lab, context);
      if (view.unreachable !== undefined) return { missing: view.unreachable };
      const { namespace, revision } = config.istio;
      if (isTerminating(view, namespace)) return { missing: `namespace ${namespace} is being deleted` };
      const istiod = findObject(view, 'Deployment', `istiod-${revision}`, namespace);
      if (istiod === undefined) return { missing: `no Deployment ${namespace}/istiod-${revision}` };
      const state = deploymentState(view, `istiod-${revision}`, namespace, await stoppedNodes(lab, context));
      if (state !== 'available') return { drifted: `istiod-${revision}: ${state}` };
      const service = findObject(view, 'Service', `istiod-${revision}`, namespace);
      if (service === undefined) return { drifted: `no Service ${namespace}/istiod-${revision}` };
      if (podsBehind(view, service).length === 0)
        return { drifted: `Service ${namespace}/istiod-${revision} selects no pod` };
      if (!hasInjector(view, revision)) return { drifted: `the injection webhook of revision ${revision} is gone` };
      if (!hasDefaultTag(view, revision)) return { drifted: 'the revision tag `default` is gone' };
      const installed = recordOf(findObject(view, 'Namespace', namespace));
      if (installed !== (await wanted())) return { drifted: 'the control plane was installed with other settings' };
      const [stale] = staleGateway(view, config, INGRESS_GATEWAY);
      if (stale !== undefined) return { drifted: `${stale.name}: its proxy has ${stale.why}` };
      return compareObjects(view, [networkNamespace(config)]);
    },

    async apply(context) {
      const { namespace } = config.istio;
      refuseOther(await clusterSnapshot(lab, context), config);
      await system.files.write(file, document, 0o644);
      context.say('istioctl install: CRDs, istiod, ingress gateway');
      const files = [file, ...(config.istio.overlay === undefined ? [] : [config.istio.overlay])];
      await install(lab, context, files, `istiod-${config.istio.revision}`);
      if (!hasDefaultTag(await requireClusterSnapshot(lab, context), config.istio.revision)) {
        // A re-run of 1.19 before .7 and 1.20 before .3 deletes the tag's webhook (docs/facts/istio-vm.md 2.5).
        context.say('setting the revision tag `default` again');
        await lab.istioctl.setDefaultTag(context);
        lab.kubectl.forget();
        // istioctl may exit with 0 without having done anything (docs/facts/real-mesh.md 6.6).
        if (!hasDefaultTag(await requireClusterSnapshot(lab, context), config.istio.revision))
          throw tagNotSet(config.istio.revision);
      }
      await restartDeployments(
        lab,
        context,
        namespace,
        staleGateway(await requireClusterSnapshot(lab, context), config, INGRESS_GATEWAY),
      );
      // The installer labels only a namespace that it creates itself (docs/facts/istio-vm.md 2.4). The record is
      // written last, so that an interrupted install is repeated.
      await applyObjects(lab, context, [withRecord(networkNamespace(config), await wanted())]);
    },

    async remove() {
      if ((await system.files.stat(config.paths.manifests)) === undefined) return 'absent';
      await system.files.remove(config.paths.manifests);
      // The control plane is deleted with the machines of its cluster.
      return { removed: 'rendered manifests' };
    },
  };

  /** Digest of all inputs of the install, which shows when an overlay has changed. */
  async function wanted(): Promise<string> {
    return sha256(`${document}\n---\n${await overlayText(lab)}`);
  }
}

/** The user's own IstioOperator file; empty if there is none. */
export async function overlayText({ config, system }: Lab): Promise<string> {
  const { overlay } = config.istio;
  if (overlay === undefined) return '';
  return (await system.files.readText(overlay)) ?? '';
}

function tagNotSet(revision: string): CliError {
  return new CliError('tool-failed', {
    message: `istioctl reported success, but the revision tag \`default\` does not point to ${revision}.`,
    hint: 'Run `istio-vms istio` again; if it persists, another tool changes the tag: `istioctl tag list` shows it.',
  });
}

/**
 * Two control planes of one lab cannot work in parallel: both inject under the same revision, and their gateways need
 * the same ports. @throws CliError `invalid-configuration`
 */
function refuseOther(view: ClusterSnapshot, { istio: { namespace } }: Config): void {
  const other = view.objects.find(
    ({ kind, metadata }) =>
      kind === 'Deployment' && metadata.labels?.[OWNER] === CONTROL_PLANE && metadata.namespace !== namespace,
  );
  if (other === undefined) return;
  throw new CliError('invalid-configuration', {
    message: `This cluster has a control plane of this lab in namespace ${other.metadata.namespace ?? ''}, and ISTIO_NAMESPACE is ${namespace}.`,
    hint: `Set ISTIO_NAMESPACE=${other.metadata.namespace ?? ''} again, or recreate the lab: \`istio-vms up --recreate\`.`,
  });
}

/** The injector of the revision itself, not the one of a tag. */
function hasInjector(view: ClusterSnapshot, revision: string): boolean {
  return view.objects.some(
    ({ kind, metadata: { labels = {} } }) =>
      kind === 'MutatingWebhookConfiguration' &&
      labels['app'] === 'sidecar-injector' &&
      labels['istio.io/rev'] === revision &&
      labels['istio.io/tag'] === undefined,
  );
}

function hasDefaultTag(view: ClusterSnapshot, revision: string): boolean {
  return view.objects.some(
    (object) =>
      object.kind === 'MutatingWebhookConfiguration' &&
      object.metadata.labels?.['istio.io/tag'] === 'default' &&
      object.metadata.labels['istio.io/rev'] === revision,
  );
}
