import { join } from 'node:path';
import { execa } from 'execa';
import type { IstioPrograms } from '../programs.ts';
import { COREDNS, ENVOY } from '../versions.ts';
import { build, type Built } from './cache.ts';
import { goBuild, goVersion } from './go.ts';
import { writeImages, type Entry, type Image } from './image-archive.ts';
import { PROGRAMS } from './paths.ts';

const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const TRUSTED: Entry = { path: CERTIFICATES, mode: 0o644, file: CERTIFICATES };
/** The image of the client in versions.json (src/kube/manifests/sample.ts). */
const CURL = 'docker.io/curlimages/curl:8.4.0';

/** The programs pause and helloworld, for images and for the light mesh. */
export async function buildSmallPrograms(): Promise<Built> {
  return build({
    name: 'small-programs',
    from: [await goVersion()],
    sources: [join(PROGRAMS, 'pause'), join(PROGRAMS, 'helloworld')],
    make: async (directory) => {
      for (const name of ['pause', 'helloworld']) {
        await goBuild({
          name,
          language: '1.24.0',
          requires: {},
          copies: { 'main.go': join(PROGRAMS, name, 'main.go') },
          target: '.',
          output: join(directory, name),
        });
      }
    },
  });
}

export interface ImageParts {
  readonly base: Built;
  readonly coredns: Built;
  readonly small: Built;
}

/** Images of k3s (`k3s-system.tar`, also as the air-gap archive of the release) and of the sample application. */
export async function buildCommonImages({ base, coredns, small }: ImageParts): Promise<Built> {
  const klipper = join(PROGRAMS, 'klipper-entry');
  return build({
    name: 'images',
    from: [base.digest, coredns.digest, small.digest, CURL],
    sources: [klipper],
    make: async (directory) => {
      const baseLayer = join(base.directory, 'base.tar');
      const program = (path: string, file: string): Entry => ({ path, mode: 0o755, file });
      const system = join(directory, 'k3s-system.tar');
      await writeImages(system, [
        {
          tags: ['docker.io/rancher/mirrored-pause:3.6', 'registry.k8s.io/pause:3.10'],
          entries: [program('/pause', join(small.directory, 'pause'))],
          config: { Entrypoint: ['/pause'], User: '65535:65535' },
        },
        {
          tags: [`docker.io/rancher/mirrored-coredns-coredns:${COREDNS.slice(1)}`],
          entries: [program('/coredns', join(coredns.directory, 'coredns')), TRUSTED],
          config: { Entrypoint: ['/coredns'], ExposedPorts: { '53/udp': {}, '53/tcp': {} } },
        },
        {
          tags: ['docker.io/rancher/klipper-lb:v0.4.13'],
          base: baseLayer,
          entries: [program('/usr/bin/entry', klipper)],
          config: { Entrypoint: ['/usr/bin/entry'] },
        },
      ]);
      await execa('zstd', ['--quiet', '-3', '-T0', system, '-o', join(directory, 'k3s-airgap-images.tar.zst')]);
      await writeImages(join(directory, 'sample.tar'), [
        ...['v1', 'v2'].map((version) => helloworld(version, join(small.directory, 'helloworld'))),
        { tags: [CURL], base: baseLayer, entries: [], config: { User: '100:101', Cmd: ['curl'] } },
      ]);
    },
  });
}

function helloworld(version: string, file: string): Image {
  return {
    tags: ['docker.io/istio', 'registry.istio.io/release'].map((hub) => `${hub}/examples-helloworld-${version}:1.0`),
    entries: [{ path: '/usr/local/bin/helloworld', mode: 0o755, file }],
    config: {
      Entrypoint: ['/usr/local/bin/helloworld'],
      Env: [`SERVICE_VERSION=${version}`],
      ExposedPorts: { '5000/tcp': {} },
    },
  };
}

/** Images pilot and proxyv2 of one Istio line, `istio.tar`. */
export async function buildIstioImages(
  istio: Built & { readonly programs: IstioPrograms },
  envoy: Built,
  base: Built,
): Promise<Built> {
  const { version, pilotDiscovery, pilotAgent, packaging } = istio.programs;
  const tags = (name: string): readonly string[] =>
    ['docker.io/istio', 'registry.istio.io/release'].map((hub) => `${hub}/${name}:${version}`);
  return build({
    name: `istio-images-${version}`,
    from: [istio.digest, envoy.digest, base.digest],
    make: (directory) =>
      writeImages(join(directory, 'istio.tar'), [
        {
          tags: tags('pilot'),
          entries: [
            { path: '/tmp', mode: 0o1777, directory: true },
            { path: '/etc/istio', mode: 0o755, directory: true },
            {
              path: '/etc/passwd',
              mode: 0o644,
              text: 'root:x:0:0::/:/sbin/nologin\nistio-proxy:x:1337:1337::/:/sbin/nologin\n',
            },
            { path: '/etc/group', mode: 0o644, text: 'root:x:0:\nistio-proxy:x:1337:\n' },
            TRUSTED,
            { path: '/usr/local/bin/pilot-discovery', mode: 0o755, file: pilotDiscovery },
          ],
          config: { Entrypoint: ['/usr/local/bin/pilot-discovery'], User: '1337:1337' },
        },
        {
          tags: tags('proxyv2'),
          base: join(base.directory, 'base.tar'),
          entries: [
            { path: '/usr/local/bin/envoy', mode: 0o755, file: join(envoy.directory, 'envoy') },
            { path: '/usr/local/bin/pilot-agent', mode: 0o755, file: pilotAgent },
            {
              path: '/var/lib/istio/envoy/envoy_bootstrap_tmpl.json',
              mode: 0o644,
              file: join(packaging, 'envoy_bootstrap.json'),
            },
            { path: '/etc/istio', mode: 0o755, directory: true },
            { path: '/etc/istio/proxy', mode: 0o777, directory: true },
          ],
          config: {
            Entrypoint: ['/usr/local/bin/pilot-agent'],
            Env: [`ISTIO_META_ISTIO_PROXY_SHA=${ENVOY.replace('==', '-')}`],
            WorkingDir: '/',
          },
        },
      ]),
  });
}
