import { describe, expect, it } from 'vitest';
import { managementAddress, usableAddresses } from '../../../../src/machines/addresses.ts';
import { parseInfo, parseList, parseVersion } from '../../../../src/machines/multipass/json.ts';

describe('outputs of multipass', () => {
  it('give the version with the daemon, without it, and with unknown fields', () => {
    expect(parseVersion('{"multipass": "1.16.3+mac", "multipassd": "1.16.3+mac"}')).toEqual({
      client: '1.16.3+mac',
      daemon: '1.16.3+mac',
    });
    expect(parseVersion('{"multipass": "1.16.3"}')).toEqual({ client: '1.16.3' });
    expect(parseVersion('{"multipass": "1", "multipassd": "1", "update": {"title": ""}}')).toEqual({
      client: '1',
      daemon: '1',
    });
  });

  it('list every state, placeholders for addresses, and the zones of 1.17', () => {
    const states = [
      'Running',
      'Stopped',
      'Deleted',
      'Starting',
      'Restarting',
      'Delayed Shutdown',
      'Suspending',
      'Suspended',
      'Unknown',
      'Unavailable',
      'Brand New',
    ];
    const list = states.map((state, index) => ({
      name: `m${index}`,
      state,
      ipv4: ['N/A'],
      release: 'x',
      zone: { name: 'zone1', available: true },
    }));
    expect(parseList(JSON.stringify({ list })).map((info) => info.state)).toEqual([
      ...[
        'running',
        'stopped',
        'deleted',
        'starting',
        'starting',
        'running',
        'suspended',
        'suspended',
        'unknown',
        'unknown',
        'unknown',
      ],
    ]);
    expect(parseList(JSON.stringify({ list })).flatMap((info) => info.addresses)).toEqual([]);
    expect(parseList('{"list": []}')).toEqual([]);
  });

  it('describe the requested machine', () => {
    const answer = {
      errors: [],
      info: { k1: { state: 'Running', ipv4: ['10.168.32.2', '10.42.0.1'], cpu_count: '2' } },
    };
    expect(parseInfo(JSON.stringify(answer), 'k1')).toEqual({
      name: 'k1',
      state: 'running',
      addresses: ['10.168.32.2', '10.42.0.1'],
    });
    expect(parseInfo(JSON.stringify(answer), 'k2')).toBeUndefined();
  });

  it.each(['', 'No instances found.', '{}', '{"list": 1}'])('are rejected when they cannot be parsed: %j', (stdout) => {
    expect(() => parseList(stdout)).toThrow(expect.objectContaining({ reason: 'tool-failed' }) as Error);
  });
});

describe('addresses', () => {
  it('are kept only when they are IPv4 literals', () => {
    expect(usableAddresses(['N/A', 'UNKNOWN', '', '10.1.2.3', '::1', '10.1', '10.1.2.300'])).toEqual(['10.1.2.3']);
  });

  it.each<[string, string[], string[], string | undefined]>([
    ['the first', ['192.168.64.2', '172.17.0.1'], [], '192.168.64.2'],
    ['not a cluster address', ['10.42.0.0', '10.42.0.1', '10.43.0.1', '192.168.64.2'], [], '192.168.64.2'],
    ['no cluster address, even if it is the only one', ['10.42.0.1'], [], undefined],
    [
      'in the network of the other machines',
      ['172.17.0.1', '192.168.64.2'],
      ['192.168.64.3', '10.42.1.0'],
      '192.168.64.2',
    ],
    ['not in a pod network shared with other machines', ['10.42.0.1', '192.168.64.2'], ['10.42.0.7'], '192.168.64.2'],
    ['similar to a cluster address', ['10.44.0.1'], [], '10.44.0.1'],
    ['none without addresses', [], ['192.168.64.3'], undefined],
  ])('include one for management: %s', (_, own, others, address) => {
    expect(managementAddress(own, others)).toBe(address);
  });
});
