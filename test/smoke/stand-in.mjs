/**
 * The other half of every stand-in executable: hands one call to the world's server and ends as the world says.
 * It knows no tool and refuses nothing; that is the world's part (`world-server.ts`).
 *
 * argv: SOCKET TOOL FILE [ARGS...]
 * JITTER_MS: up to so long it dawdles before it calls, and before it ends. A test that holds only where every program is
 * quick fails with that, instead of once in a while on a busy computer.
 */
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

const dawdle = () => sleep(Math.random() * Number(process.env.JITTER_MS ?? 0));

const [socket, tool, file, ...args] = process.argv.slice(2);
const stdin = (await buffer(process.stdin)).toString('base64');

await dawdle();
const line = connect(socket);
line.on('error', (error) => {
  process.stderr.write(`stand-in for ${tool}: the simulated world does not answer: ${error.message}\n`);
  process.exit(125);
});
// The line stays open until the answer is there: that it closes earlier is how the server knows that we were ended.
const { KUBECONFIG } = process.env;
line.write(`${JSON.stringify({ pid: process.pid, tool, file, args, stdin, env: { KUBECONFIG } })}\n`);

const answer = JSON.parse((await buffer(line)).toString('utf8'));
await dawdle();
process.exitCode = answer.exitCode;
process.stdout.write(Buffer.from(answer.stdout, 'base64'));
process.stderr.write(answer.stderr);
