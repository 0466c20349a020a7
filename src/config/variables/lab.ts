import { DEFAULT_ENGINE, engineChoices, OTHER_ENGINES } from '../engines.ts';
import { ISTIOCTL_BUILDS } from '../versions.ts';
import { istioVersion, label, oneOf, path, revision, ubuntuRelease, wholeNumber } from '../syntax.ts';
import type { Variable } from '../variable.ts';

/** The lab and its Istio version. */
export const LAB_VARIABLES = {
  LAB_NAME: {
    group: 'Lab',
    default: 'lab',
    description:
      'Name of this lab: the label of its machines, and part of the kubeconfig context `istio-vms-LAB_NAME`.',
    syntax: label,
  },
  LAB_SIZE: {
    group: 'Lab',
    default: 'article',
    description: 'Default sizes of the machines: as in the article (18 GB in total), or small (6 GB in total).',
    syntax: oneOf('article', 'small'),
  },
  RUN_OS: {
    group: 'Lab',
    default: '22.04',
    description: 'Ubuntu release of all machines.',
    syntax: ubuntuRelease,
  },
  MACHINE_ENGINE: {
    group: 'Lab',
    default: DEFAULT_ENGINE,
    description: `Machine engine: ${engineChoices()}.`,
    syntax: oneOf(DEFAULT_ENGINE, ...OTHER_ENGINES),
  },
  LAUNCHES: {
    group: 'Lab',
    default: '2',
    description: 'How many machines may be launched at once.',
    syntax: wholeNumber(1, 8),
  },
  CONTAINER_TOOL: {
    group: 'Lab',
    default: 'docker',
    description:
      'Extracts the sidecar from the image where no package exists for the VM, and pulls container images for a bundle.',
    syntax: oneOf('docker', 'podman'),
  },
  ISTIO_VERSION: {
    group: 'Istio',
    default: '1.19.3',
    description: 'Istio version, 1.19 to 1.32; a later one is accepted with a warning.',
    syntax: istioVersion,
  },
  ISTIO_REVISION: {
    group: 'Istio',
    default: '',
    derivedFrom: 'ISTIO_VERSION with hyphens',
    description: 'Revision of the control plane; any name but `default`, which istioctl takes for no revision.',
    syntax: revision,
  },
  ISTIO_NAMESPACE: {
    group: 'Istio',
    default: 'istio-system',
    description: 'Namespace of the control plane and its gateways.',
    syntax: label,
  },
  ISTIO_ARCH: {
    group: 'Istio',
    default: '',
    derivedFrom: 'this computer',
    description: 'The istioctl build to download.',
    syntax: oneOf(...ISTIOCTL_BUILDS),
  },
  ISTIO_OVERLAY: {
    group: 'Istio',
    default: '',
    derivedFrom: 'none',
    description:
      'Your own IstioOperator file, given to `istioctl install` after ours. Its `hub`, `tag` and `values.global` (pull policy, pull secrets, proxy) reach the east-west gateway, too. It must not contradict ISTIO_REVISION, ISTIO_NAMESPACE, ISTIO_MESH_ID, ISTIO_CLUSTER or CLUSTER_NETWORK.',
    syntax: path,
  },
} as const satisfies Record<string, Variable>;
