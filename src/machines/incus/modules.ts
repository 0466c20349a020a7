import type { CommandError } from '../../system/command-error.ts';
import { KERNEL_MODULES, withoutModules, type IncusLaunch } from './launch-settings.ts';

/** An instance that asks for kernel modules does not start on a host that cannot load them. It is created all the same. */
export function lacksModules({ failure, result }: CommandError): boolean {
  return failure === 'exit' && /Failed to load kernel module/.test(result.stderr);
}

/** Where no kernel modules can be loaded, as far as this run has learned it. */
export interface ModuleMemory {
  /** What to launch with, for all that is known. */
  readonly adapt: (launch: IncusLaunch) => IncusLaunch;
  /** A launch failed for its modules. Gives whether that is news. */
  readonly note: (launch: IncusLaunch) => boolean;
}

/** Each member of a cluster has a kernel of its own; where Incus itself chooses the member, nothing is remembered. */
export function createModuleMemory(isClustered: boolean): ModuleMemory {
  const without = new Set<string>();
  const placeOf = ({ target }: IncusLaunch): string | undefined => {
    if (!isClustered) return 'this server';
    return target?.startsWith('@') === true ? undefined : target;
  };
  return {
    adapt: (launch) => (without.has(placeOf(launch) ?? '') ? withoutModules(launch) : launch),
    note: (launch) => {
      const place = placeOf(launch);
      const isNews = !without.has(place ?? '');
      if (place !== undefined) without.add(place);
      return isNews;
    },
  };
}

export const asksForModules = (launch: IncusLaunch): boolean => KERNEL_MODULES in launch.config;
