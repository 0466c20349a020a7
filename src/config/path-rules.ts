import { join } from 'node:path/posix';
import { absolutePath, directoryFault, isWithin, pathFault } from './paths.ts';
import { repeated, type RuleContext, type Violation } from './rule.ts';

const DIRECTORIES = ['DATA_DIR', 'BIN_DIR', 'TEMP_DIR'] as const;

export function pathsArePlain({ values, host, bases }: RuleContext): readonly Violation[] {
  const names = [...DIRECTORIES, 'KUBECONFIG', 'ISTIO_VMS_CACHE', 'ISTIO_OVERLAY'] as const;
  return names.flatMap((name) => {
    const value = values[name];
    const fault = value === undefined ? undefined : pathFault(value, host, bases);
    return fault === undefined ? [] : [{ name, allowed: fault }];
  });
}

export function directoriesAreOwn({ values, host }: RuleContext): readonly Violation[] {
  return [...DIRECTORIES, 'ISTIO_VMS_CACHE' as const, 'KUBECONFIG' as const].flatMap((name) => {
    const value = values[name];
    const fault = value === undefined ? undefined : directoryFault(value, host);
    return fault === undefined ? [] : [{ name, allowed: name === 'KUBECONFIG' ? 'the path of a file' : fault }];
  });
}

export function directoriesDiffer(context: RuleContext): readonly Violation[] {
  const place = (name: (typeof DIRECTORIES)[number]) => {
    const value = context.values[name];
    return value === undefined ? undefined : absolutePath(value, context.host);
  };
  return repeated(DIRECTORIES, place, context);
}

/** istio-vms writes and removes this file, so it must not be used for anything else. */
export function kubeconfigIsTheLabs({ values, host }: RuleContext): readonly Violation[] {
  if (values.KUBECONFIG === undefined) return [];
  const path = absolutePath(values.KUBECONFIG, host);
  if (isWithin(path, join(host.home, '.kube'))) {
    return [{ name: 'KUBECONFIG', allowed: 'a file outside ~/.kube, which istio-vms never writes to' }];
  }
  const directory = DIRECTORIES.find((name) => values[name] !== undefined && absolutePath(values[name], host) === path);
  return directory === undefined ? [] : [{ name: 'KUBECONFIG', allowed: `the path of a file; this is ${directory}` }];
}
