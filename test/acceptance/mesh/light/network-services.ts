import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/**
 * Services of a machine, started in the network of a place: in place of sshd a server on port 22 that sends a dot twenty
 * times a second, and in place of systemd-resolved a resolver at 127.0.0.53 that knows one name.
 */
const [name = '', address = ''] = process.argv.slice(2);

// The server must send: a session freezes at its first outgoing packet after the rules are loaded.
createServer((socket) => {
  const timer = setInterval(() => socket.write('.'), 50);
  socket.on('error', () => undefined).on('close', () => clearInterval(timer));
}).listen(22, '0.0.0.0');

const resolver = createSocket('udp4');
resolver.on('message', (question, from) => resolver.send(answer(question), from.port, from.address));
resolver.bind(53, '127.0.0.53', () => process.stdout.write('ready\n'));

/** An A record for our name, nothing for its other records, NXDOMAIN for every other name. */
function answer(message: Buffer): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at]; length; length = message[at]) {
    labels.push(message.toString('ascii', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const known = labels.join('.') === name;
  const found = known && message.readUInt16BE(at + 1) === 1;
  const header = Buffer.alloc(12);
  message.copy(header, 0, 0, 2);
  header.writeUInt16BE(known ? 0x8180 : 0x8183, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(found ? 1 : 0, 6);
  const record = Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split('.').map(Number)]);
  return Buffer.concat([header, message.subarray(12, at + 5), ...(found ? [record] : [])]);
}
