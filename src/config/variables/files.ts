import { mirrorUrl, path } from '../syntax.ts';
import type { Variable } from '../variable.ts';

/** Locations of files, local and for download. */
export const FILE_VARIABLES = {
  DATA_DIR: {
    group: 'Files',
    default: '.data',
    description: 'Kubeconfig and workload files (secrets).',
    syntax: path,
  },
  BIN_DIR: { group: 'Files', default: '.bin', description: 'istioctl.', syntax: path },
  TEMP_DIR: { group: 'Files', default: '.tmp', description: 'Rendered manifests and logs.', syntax: path },
  KUBECONFIG: {
    group: 'Files',
    default: '',
    derivedFrom: 'DATA_DIR/.kubeconfig',
    description: "The lab's kubeconfig. Your own (`~/.kube/config`) is never written to.",
    syntax: path,
  },
  ISTIO_VMS_CACHE: {
    group: 'Files',
    default: '',
    derivedFrom: "your user's cache directory",
    description: 'Verified downloads, shared by all labs.',
    syntax: path,
  },
  ARTIFACTS_URL: {
    group: 'Files',
    default: '',
    derivedFrom: 'none',
    description:
      'A mirror to download from (http, https or file): it replaces the host, the original path is kept below it.',
    syntax: mirrorUrl,
  },
} as const satisfies Record<string, Variable>;
