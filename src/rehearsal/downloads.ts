import { CliError } from '../errors/cli-error.ts';
import type { Downloads } from '../system/system.ts';
import { releaseServers, type ServedArtifact } from './artifacts.ts';
import { LINE_BYTES_PER_SECOND, LINE_LATENCY, PROGRESS_EVERY } from './durations.ts';
import { isFaultOn, isFaultActive, consumeFault } from './fault-state.ts';
import type { SimulatedFiles } from './files.ts';
import { digestOf } from './stand-in.ts';
import type { World } from './world.ts';

/** The simulated Downloads interface: the release servers over an ordinary internet connection. */
export function createDownloads(world: World, files: SimulatedFiles): Downloads {
  const artifactAt = releaseServers(world.shipped);

  const serve = async (url: string, signal?: AbortSignal): Promise<ServedArtifact> => {
    await world.clock.sleep(LINE_LATENCY, signal);
    if (isFaultOn(world, 'offline')) throw failed(url, 'the name of the server cannot be resolved');
    if (isFaultActive(world, 'mirror-down')) throw failed(url, 'the connection was refused');
    const { pathname } = new URL(url);
    const hidden = pathname.includes('istio-sidecar-arm64.deb') && isFaultOn(world, 'arm64-deb-missing');
    const served = hidden ? undefined : await artifactAt(pathname);
    if (served === undefined) {
      throw new CliError('artifact-not-found', {
        message: `There is nothing at ${url} (HTTP 404).`,
        hint: 'Check the version; not every file exists for every version and CPU.',
      });
    }
    return served;
  };

  return {
    fetch: async ({ url, to, sha256, mode, onProgress, signal }) => {
      const { bytes, size } = await serve(url, signal);
      if (consumeFault(world, 'download-flaky')) {
        await world.clock.sleep((size / 3 / LINE_BYTES_PER_SECOND) * 1000, signal);
        throw failed(url, 'the connection was reset');
      }
      const step = (LINE_BYTES_PER_SECOND * PROGRESS_EVERY) / 1000;
      for (let done = 0; done < size;) {
        const next = Math.min(step, size - done);
        const slowness = isFaultActive(world, 'line-slow') ? 10 : 1;
        await world.clock.sleep((next / LINE_BYTES_PER_SECOND) * 1000 * slowness, signal);
        done += next;
        onProgress?.({ bytes: Math.round(done), total: size });
      }
      if (consumeFault(world, 'download-truncated'))
        throw failed(url, 'the server closed the connection before the end');
      const arrived = consumeFault(world, 'digest-mismatch')
        ? Buffer.from('<html>sign in to the network</html>\n')
        : bytes;
      if (digestOf(arrived) !== sha256) {
        await files.write(`${to}.mismatch`, arrived, mode ?? 0o644);
        throw new CliError('digest-mismatch', {
          message: `The download of ${url} has another SHA-256 than it should have.`,
          hint: `Look at what came: ${to}.mismatch`,
          details: [`expected ${sha256}`, `found    ${digestOf(arrived)}`],
        });
      }
      await files.write(to, arrived, mode ?? 0o644);
    },
    text: async (url, signal) => Buffer.from((await serve(url, signal)).bytes).toString('utf8'),
  };
}

function failed(url: string, why: string): CliError {
  return new CliError('download-failed', {
    message: `The download of ${url} failed: ${why}.`,
    hint: 'Check the network, then re-run the same command.',
  });
}
