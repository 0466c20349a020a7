/**
 * Adds the simulated nodes to the JSON output of `multipass list` or `incus list`: reads it from stdin, writes it to
 * stdout.
 *
 * argv: NODES_FILE, a JSON array of {name, address, lab}
 */
import { readFileSync } from 'node:fs';
import { json } from 'node:stream/consumers';

const nodes = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const answer = await json(process.stdin);

const multipass = ({ name, address }) => ({ name, ipv4: [address], state: 'Running', release: 'Ubuntu 22.04 LTS' });
const incus = ({ name, address, lab }) => ({
  name,
  status_code: 103,
  config: { 'user.istio-vms': lab },
  state: { network: { eth0: { addresses: [{ family: 'inet', address, scope: 'global' }] } } },
});

const whole = Array.isArray(answer)
  ? [...answer, ...nodes.map(incus)]
  : { ...answer, list: [...answer.list, ...nodes.map(multipass)] };
process.stdout.write(JSON.stringify(whole));
