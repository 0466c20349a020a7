import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { MeshPrograms } from '../programs.ts';
import { ISTIO } from '../versions.ts';
import { CACHE } from './cache.ts';
import { buildBaseLayer, buildEnvoy, buildEtcd, buildNodeImage, buildNodeMetadata } from './debian.ts';
import { buildCommonImages, buildIstioImages, buildSmallPrograms } from './images.ts';
import { buildIstio } from './istio.ts';
import { buildCoreDns, buildKubernetes } from './kubernetes.ts';
import { buildIstioRelease, buildK3sRelease } from './releases.ts';

/** Build results for runs on machines. */
export interface Rig {
  readonly programs: MeshPrograms;
  /** Directory that is mounted into every machine as /opt/rig/bin. */
  readonly bin: string;
  /** Directory of image archives for an Istio version, mounted into every machine as /opt/rig/images. */
  readonly images: (version: string) => Promise<string>;
  /** Root directories of the release mirror; each file is in one of them. */
  readonly releases: readonly string[];
  readonly nodeImage: { readonly metadata: string; readonly rootfs: string; readonly digest: string };
}

/** Builds only the programs, for the light mesh. */
export async function buildPrograms(): Promise<MeshPrograms> {
  const [kubernetes, etcd, envoy, small, ...istio] = await Promise.all([
    buildKubernetes(),
    buildEtcd(),
    buildEnvoy(),
    buildSmallPrograms(),
    ...ISTIO.map(buildIstio),
  ]);
  return {
    kubernetes: kubernetes.directory,
    etcd: join(etcd.directory, 'etcd'),
    envoy: join(envoy.directory, 'envoy'),
    helloworld: join(small.directory, 'helloworld'),
    istio: istio.map(({ programs }) => programs),
  };
}

/** Compiles one program at a time, and downloads and unpacks in parallel with that. */
export async function buildRig(): Promise<Rig> {
  const parts = Promise.all([buildBaseLayer(), buildCoreDns(), buildSmallPrograms(), buildEnvoy()]);
  const [programs, node, metadata, [base, coredns, small, envoy]] = await Promise.all([
    buildPrograms(),
    buildNodeImage(),
    buildNodeMetadata(),
    parts,
  ]);
  const common = await buildCommonImages({ base, coredns, small });
  const lines = await Promise.all(
    ISTIO.map(async (source) => {
      const istio = await buildIstio(source);
      return {
        version: source.version,
        images: await buildIstioImages(istio, envoy, base),
        release: await buildIstioRelease(istio, envoy),
      };
    }),
  );
  const k3s = await buildK3sRelease(common);
  return {
    programs,
    bin: programs.kubernetes,
    releases: [k3s.directory, ...lines.map(({ release }) => release.directory)],
    nodeImage: {
      metadata: join(metadata.directory, 'metadata.tar'),
      rootfs: join(node.directory, 'rootfs.tar.zst'),
      digest: `${node.digest}-${metadata.digest}`,
    },
    images: async (version) => {
      const line = lines.find((each) => each.version === version);
      if (line === undefined) throw new Error(`the rig has no Istio ${version}`);
      const directory = join(CACHE, 'bound-images', `${version}-${line.images.digest}-${common.digest}`);
      await rm(join(CACHE, 'bound-images'), { recursive: true, force: true });
      await mkdir(directory, { recursive: true });
      const files = ['k3s-system.tar', 'sample.tar'].map((name) => join(common.directory, name));
      await execa('ln', [...files, join(line.images.directory, 'istio.tar'), directory]);
      return directory;
    },
  };
}
