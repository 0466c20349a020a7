import type { CommandError } from '../../system/command-error.ts';
import { KERNEL_MODULES, withoutModules, type IncusLaunch } from './launch-settings.ts';

/** On a host that cannot load kernel modules, an instance that needs some is created but does not start. */
export function lacksModules({ failure, result }: CommandError): boolean {
  return failure === 'exit' && /Failed to load kernel module/.test(result.stderr);
}

/** Remembers where this run could not load kernel modules. */
export interface ModuleMemory {
  /** Adapts a launch to what is known so far. */
  readonly adapt: (launch: IncusLaunch) => IncusLaunch;
  /** Records that a launch failed because of its modules. Returns whether this was unknown before. */
  readonly note: (launch: IncusLaunch) => boolean;
}

/** Each member of a cluster has its own kernel. If Incus itself chooses the member, nothing is remembered. */
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
