import { describe, expect, it } from 'vitest';
import {
  parseAliases,
  parseInstances,
  parseNetwork,
  parseProfile,
  parseServer,
} from '../../../../src/machines/incus/json.ts';
import { CliError } from '../../../../src/errors/cli-error.ts';

const address = (text: string, family = 'inet', scope = 'global') => ({ family, address: text, scope, netmask: '24' });
const instance = (more: object) => ({ name: 'k1', status: 'Running', status_code: 103, type: 'container', ...more });
const parseOne = (more: object) => parseInstances(JSON.stringify([instance(more)]))[0];

describe('listed instances', () => {
  it('are an empty list when there are none', () => expect(parseInstances('[]')).toEqual([]));

  it('have the address of their own network card, not of a bridge that is listed before it', () => {
    const found = parseOne({
      config: { 'user.istio-vms': 'lab', 'volatile.eth0.hwaddr': '00:16:3e:aa:bb:cc' },
      state: {
        network: {
          cni0: { hwaddr: '1e:00:00:00:00:01', addresses: [address('10.42.0.1')] },
          eth0: {
            hwaddr: '00:16:3e:aa:bb:cc',
            addresses: [address('fd42::1', 'inet6'), address('10.99.0.48'), address('169.254.1.1', 'inet', 'link')],
          },
          lo: { hwaddr: '', addresses: [address('127.0.0.1', 'inet', 'local')] },
        },
      },
    });
    expect(found).toEqual({ name: 'k1', state: 'running', addresses: ['10.99.0.48'], lab: 'lab' });
  });

  it('have the address of their network card when it has another name in a virtual machine', () => {
    const found = parseOne({
      config: { 'volatile.eth0.hwaddr': '00:16:3e:aa:bb:cc' },
      state: {
        network: {
          docker0: { hwaddr: '02:42:00:00:00:01', addresses: [address('172.17.0.1')] },
          enp5s0: { hwaddr: '00:16:3e:aa:bb:cc', addresses: [address('10.99.0.49')] },
        },
      },
    });
    expect(found).toMatchObject({ addresses: ['10.99.0.49'], lab: null });
  });

  it.each([
    [102, 'stopped'],
    [103, 'running'],
    [113, 'running'],
    [106, 'starting'],
    [110, 'suspended'],
    [112, 'unknown'],
    [999, 'unknown'],
  ])('map status %i to %s', (code, state) => {
    expect(parseOne({ status_code: code, config: {}, state: { network: null } })).toEqual({
      name: 'k1',
      state,
      addresses: [],
      lab: null,
    });
  });

  it('have no known owner on a member that is down', () => {
    expect(parseOne({ status_code: 112, config: null, state: null })).toEqual({
      name: 'k1',
      state: 'unknown',
      addresses: [],
    });
  });
});

describe('the server', () => {
  const environment = { server: 'incus', server_version: '6.0.4', driver: 'lxc', server_clustered: false };
  it('is described with and without virtual machines', () => {
    expect(parseServer(JSON.stringify({ auth: 'trusted', environment }))).toEqual({
      version: '6.0.4',
      virtualMachines: false,
      clustered: false,
      trusted: true,
    });
    expect(parseServer(JSON.stringify({ environment: { ...environment, driver: 'lxc | qemu' } })).virtualMachines).toBe(
      true,
    );
    expect(parseServer(JSON.stringify({ auth: 'untrusted', environment })).trusted).toBe(false);
  });

  it('is described by its profile, networks and aliases', () => {
    expect(parseProfile('{"devices":{"root":{"type":"disk"}}}')).toEqual({ root: { type: 'disk' } });
    expect(parseNetwork('{"type":"bridge","managed":true,"name":"b"}')).toEqual({ type: 'bridge', managed: true });
    expect(parseAliases('{"list all":"info"}')).toEqual(['list all']);
  });

  it.each(['', '[]', 'Error'])('is rejected when it answers %j', (answer) => {
    expect(() => parseServer(answer)).toThrow(CliError);
  });
});
