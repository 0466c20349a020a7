import { describe, expect, it } from 'vitest';
import { lastError, parseUnitJournal } from '../../../src/guest/unit-journal.ts';

const NOW = '2026-11-28T11:00:00.123456Z';

/** A journal as journalctl prints it: [program, start, message]. */
function journal(...lines: readonly (readonly [string, string, unknown])[]) {
  const rows = lines.map(([program, start, message]) =>
    JSON.stringify({
      MESSAGE: message,
      SYSLOG_IDENTIFIER: program,
      [program === 'systemd' ? 'INVOCATION_ID' : '_SYSTEMD_INVOCATION_ID']: start,
      __CURSOR: 's=1',
    }),
  );
  return parseUnitJournal(`${rows.join('\n')}\n`);
}

const SDS =
  'SDS grpc server for workload proxies failed to set up UDS: failed to listen on unix socket "var/run/secrets/workload-spiffe-uds/socket": listen unix var/run/secrets/workload-spiffe-uds/socket: bind: no such file or directory';

describe('the last error of a unit', () => {
  it('is the message of the agent, not what systemd says about the unit', () => {
    const entries = journal(
      ['systemd', 'a', 'Starting istio.service - Istio sidecar of this machine...'],
      ['pilot-agent', 'a', `${NOW}\tinfo\tsds\tStarting SDS grpc server`],
      ['pilot-agent', 'a', `${NOW}\terror\tsds\t${SDS}`],
      ['pilot-agent', 'a', `${NOW}\twarn\tEnvoy proxy is NOT ready: config not received from XDS server`],
      ['ready', 'a', 'istio-vms: not ready within 60s (is istiod reachable?); the rules are removed, next try in 15s'],
      ['systemd', 'a', 'istio.service: Control process exited, code=exited, status=1/FAILURE'],
      ['systemd', 'a', 'Failed to start istio.service - Istio sidecar of this machine.'],
    );
    expect(lastError(entries)).toBe(`sds: ${SDS}`.slice(0, 240) + (SDS.length + 5 > 240 ? '…' : ''));
  });

  it('is taken from the latest start only', () => {
    const entries = journal(
      ['pilot-agent', 'a', `${NOW}\terror\tca\tan old one`],
      ['systemd', 'b', 'Starting istio.service...'],
      ['pilot-agent', 'b', `${NOW}\tinfo\tVersion 1.30.3`],
    );
    expect(lastError(entries)).toBeUndefined();
    expect(lastError(entries.slice(0, 1))).toBe('ca: an old one');
    expect(lastError(entries.slice(0, 1), 'a')).toBeUndefined();
  });

  it.each([
    [
      'GOMEMLIMIT is updated package=github.com/KimMachineGun/automemlimit/memlimit GOMEMLIMIT=9223372036854775807',
      undefined,
    ],
    ['-A ISTIO_OUTPUT -j ISTIO_REDIRECT', undefined],
    [`${NOW}\tinfo\tcache\tgenerated new workload certificate`, undefined],
    ["id: 'istio-proxy': no such user", "id: 'istio-proxy': no such user"],
    ['time="2026-11-28T15:36:10Z" level=info msg="Starting k3s agent v1.34.2+k3s1"', undefined],
    [
      'time="2026-11-28T15:36:10Z" level=error msg="Failed to validate connection to cluster at https://192.0.2.1:6443: failed to get CA certs: Get \\"https://192.0.2.1:6443/cacerts\\": dial tcp 192.0.2.1:6443: connect: no route to host"',
      'Failed to validate connection to cluster at https://192.0.2.1:6443: failed to get CA certs: Get "https://192.0.2.1:6443/cacerts": dial tcp 192.0.2.1:6443: connect: no route to host',
    ],
    [
      'time="2026-11-28T15:36:10Z" level=info msg="Waiting to retrieve agent configuration; server is not ready: Node password rejected"',
      'Waiting to retrieve agent configuration; server is not ready: Node password rejected',
    ],
    ['OSError: [Errno 98] Address already in use', 'OSError: [Errno 98] Address already in use'],
    ['Error: failed to start xds proxy: bind: permission denied', 'failed to start xds proxy: bind: permission denied'],
    [
      `${NOW}\twarning\tenvoy config external/envoy/source/common/config/grpc_stream.h:152\tconfig stream closed: 14\tthread=9`,
      'config stream closed: 14',
    ],
    [`${NOW}\twarn\tEnvoy proxy is NOT ready: why`, 'Envoy proxy is NOT ready: why'],
  ])('for %j is %j', (message, error) => {
    expect(lastError(journal(['prepare', 'a', message]))).toBe(error);
  });

  it('is the message of systemd when it cannot execute the program', () => {
    const message = 'k3s.service: Failed to execute /usr/local/bin/k3s: Exec format error';
    expect(lastError(journal(['systemd', 'a', message], ['systemd', 'a', 'k3s.service: Failed with result']))).toBe(
      message,
    );
  });

  it('is read from byte arrays, and other lines are skipped', () => {
    expect(lastError(journal(['prepare', 'a', [...Buffer.from('panic: é')]]))).toBe('panic: é');
    expect(parseUnitJournal('-- No entries --\n{"MESSAGE":5}\n')).toEqual([]);
    expect(lastError(journal(['prepare', 'a', null]))).toBeUndefined();
  });
});
