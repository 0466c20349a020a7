import { createHash } from 'node:crypto';
import { cp, link, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { IstioPrograms } from '../programs.ts';
import { K3S } from '../versions.ts';
import { build, type Built } from './cache.ts';
import { K3S_PACKAGE } from './paths.ts';

/** Debian's name for the CPU of this computer. */
const CPU = process.arch === 'x64' ? 'amd64' : 'arm64';

/** Approximate size of the real file `k3s` in bytes, so that transfers take as long. */
const K3S_WEIGHT = 78_000_000;

/** A release of k3s: the program (our stand-in), the image archive and the checksums, below their original paths. */
export async function buildK3sRelease(images: Built): Promise<Built> {
  return build({
    name: 'k3s-release',
    from: [K3S, CPU, images.digest, String(K3S_WEIGHT)],
    sources: [K3S_PACKAGE],
    make: async (directory) => {
      const release = join(directory, 'k3s-io/k3s/releases/download', K3S);
      await mkdir(release, { recursive: true });
      // Some clients encode the plus sign, others do not.
      await symlink(K3S, join(release, '..', encodeURIComponent(K3S)));
      const content = join(directory, 'package');
      await cp(K3S_PACKAGE, content, { recursive: true, filter: (path) => !path.includes('__pycache__') });
      await writeFile(join(content, 'version.py'), `VERSION = '${K3S}'\n`);
      await writeFile(join(content, 'weight.bin'), Buffer.alloc(K3S_WEIGHT, 'mesh rig '));
      const name = CPU === 'amd64' ? 'k3s' : `k3s-${CPU}`;
      await execa('python3', [
        ...['-m', 'zipapp', content, '--python', '/usr/bin/env python3'],
        ...['--output', join(release, name)],
      ]);
      await rm(content, { recursive: true });
      await link(
        join(images.directory, 'k3s-airgap-images.tar.zst'),
        join(release, `k3s-airgap-images-${CPU}.tar.zst`),
      );
      const sums = await Promise.all(
        (await readdir(release)).map(async (each) => `${await sha256(join(release, each))}  ${each}\n`),
      );
      await writeFile(join(release, `sha256sum-${CPU}.txt`), sums.join(''));
    },
  });
}

/** A release of an Istio line: the archive with istioctl, and the sidecar package for virtual machines. */
export async function buildIstioRelease(
  istio: Built & { readonly programs: IstioPrograms },
  envoy: Built,
): Promise<Built> {
  const { version, istioctl } = istio.programs;
  return build({
    name: `istio-release-${version}`,
    from: [istio.digest, envoy.digest, CPU, CONTROL, CHANGELOG],
    make: async (directory) => {
      const downloads = join(directory, 'istio/istio/releases/download', version);
      await mkdir(downloads, { recursive: true });
      const archive = join(downloads, `istioctl-${version}-linux-${CPU}.tar.gz`);
      await execa('tar', ['-C', join(istioctl, '..'), '--owner=0', '--group=0', '-czf', archive, 'istioctl']);
      await writeSum(archive);

      const packages = join(directory, 'istio-release/releases', version, 'deb');
      await mkdir(packages, { recursive: true });
      const file = join(packages, CPU === 'amd64' ? 'istio-sidecar.deb' : `istio-sidecar-${CPU}.deb`);
      await sidecarPackage(istio.programs, join(envoy.directory, 'envoy'), file);
      await writeSum(file);
    },
  });
}

const CONTROL = `Package: istio-sidecar
Version: VERSION
License: Apache
Vendor: istio.io
Architecture: ${CPU}
Maintainer: istio@istio.io
Installed-Size: SIZE
Depends: iproute2, iptables, sudo, hostname
Section: default
Priority: optional
Homepage: http://istio.io
Description: Istio Sidecar
`;

const CHANGELOG = `istio-sidecar (VERSION) whatever; urgency=medium

  * Package created with FPM.

 -- istio@istio.io  Thu, 01 Jan 1970 00:00:00 +0000
`;

/** Builds the sidecar package like Istio's own build with fpm (docs/facts/real-mesh.md 2.3), from the files of its module. */
async function sidecarPackage(programs: IstioPrograms, envoy: string, output: string): Promise<void> {
  const root = `${output}.root`;
  const put = async (from: string, to: string, mode: string): Promise<void> => {
    await execa('install', ['-D', '-m', mode, from, join(root, to)]);
  };
  const common = programs.packaging;
  await put(envoy, 'usr/local/bin/envoy', '755');
  await put(programs.pilotAgent, 'usr/local/bin/pilot-agent', '755');
  await put(join(common, 'istio-start.sh'), 'usr/local/bin/istio-start.sh', '755');
  await put(join(common, 'istio.service'), 'lib/systemd/system/istio.service', '644');
  await put(join(common, 'sidecar.env'), 'var/lib/istio/envoy/sidecar.env', '644');
  await put(join(common, 'envoy_bootstrap.json'), 'var/lib/istio/envoy/envoy_bootstrap_tmpl.json', '644');
  await put(join(common, '../postinst.sh'), 'DEBIAN/postinst', '755');
  const changelog = join(root, 'usr/share/doc/istio-sidecar/changelog');
  await mkdir(join(changelog, '..'), { recursive: true });
  await writeFile(changelog, CHANGELOG.replace('VERSION', programs.version));
  await execa('gzip', ['-9n', changelog]);
  const settings = ['envoy_bootstrap_tmpl.json', 'sidecar.env'].map((name) => `/var/lib/istio/envoy/${name}\n`);
  await writeFile(join(root, 'DEBIAN/conffiles'), settings.join(''));
  const { stdout: size } = await execa('du', ['-sk', '--exclude=DEBIAN', root]);
  const control = CONTROL.replace('VERSION', programs.version).replace('SIZE', size.split('\t')[0] ?? '0');
  await writeFile(join(root, 'DEBIAN/control'), control);
  await execa('dpkg-deb', ['--root-owner-group', '-Zgzip', '-z6', '-b', root, output]);
  await rm(root, { recursive: true });
}

/** `NAME.sha256` beside a file, as Istio publishes it. */
async function writeSum(file: string): Promise<void> {
  await writeFile(`${file}.sha256`, `${await sha256(file)} ${file.split('/').at(-1) ?? ''}\n`);
}

async function sha256(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}
