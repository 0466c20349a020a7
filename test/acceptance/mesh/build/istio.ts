import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { IstioPrograms } from '../programs.ts';
import type { IstioSource } from '../versions.ts';
import { build, type Built } from './cache.ts';
import { goBuild, goVersion, moduleDirectory, type GoProgram } from './go.ts';
import { PROGRAMS } from './paths.ts';

const AGENT_GATEWAY = 'github.com/agentgateway/agentgateway/api';
const VERSION = 'istio.io/istio/pkg/version';

/** Builds istioctl, pilot-discovery and pilot-agent of one Istio line, and copies the files of its sidecar package. */
export async function buildIstio(source: IstioSource): Promise<Built & { readonly programs: IstioPrograms }> {
  const main = mainModule(source);
  const built = await build({
    name: `istio-${source.version}`,
    from: [JSON.stringify(source), await goVersion()],
    sources: [join(PROGRAMS, 'agentgateway-api')],
    make: async (directory) => {
      for (const program of PROGRAMS_OF_ISTIO) {
        await goBuild({
          ...main,
          target: program.target,
          output: join(directory, program.name),
          tags: program.tags,
          variables: versionVariables(source),
        });
      }
      const module = await moduleDirectory(main, 'istio.io/istio');
      await cp(join(module, 'tools/packaging'), join(directory, 'packaging'), { recursive: true });
    },
  });
  const at = (name: string): string => join(built.directory, name);
  return {
    ...built,
    programs: {
      version: source.version,
      istioctl: at('istioctl'),
      pilotAgent: at('pilot-agent'),
      pilotDiscovery: at('pilot-discovery'),
      packaging: at('packaging/common'),
    },
  };
}

/** Build tags as in Istio's Makefile. */
const PROGRAMS_OF_ISTIO = [
  { name: 'istioctl', target: 'istio.io/istio/istioctl/cmd/istioctl', tags: ['vtprotobuf', 'disable_pgv'] },
  { name: 'pilot-discovery', target: 'istio.io/istio/pilot/cmd/pilot-discovery', tags: ['vtprotobuf', 'disable_pgv'] },
  {
    name: 'pilot-agent',
    target: 'istio.io/istio/pilot/cmd/pilot-agent',
    tags: ['agent', 'disable_pgv', 'grpcnotrace', 'retrynotrace'],
  },
] as const;

function mainModule({ version, module, replacements }: IstioSource): Omit<GoProgram, 'target' | 'output'> {
  return {
    name: `istio-${version}`,
    language: '1.26.0',
    requires: { 'istio.io/istio': module },
    replaces: {
      // The module proxy has no version of it; istiod does not use it by default.
      [AGENT_GATEWAY]: './agentgateway-api',
      ...Object.fromEntries(Object.entries(replacements).map(([name, by]) => [name, `${name} ${by}`])),
    },
    copies: { 'agentgateway-api': join(PROGRAMS, 'agentgateway-api') },
  };
}

function versionVariables({ version, module }: IstioSource): Readonly<Record<string, string>> {
  const values = {
    buildVersion: version,
    buildGitRevision: module.split('-').at(-1) ?? '',
    buildStatus: 'Clean',
    buildTag: version,
    buildHub: 'docker.io/istio',
    buildOS: 'linux',
    buildArch: process.arch === 'x64' ? 'amd64' : process.arch,
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${VERSION}.${name}`, value]));
}
