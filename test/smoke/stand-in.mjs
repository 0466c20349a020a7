/**
 * The program behind every stand-in executable: sends its call to the server of the simulated world (`world-server.ts`), and
 * ends with the output and exit code of the answer.
 *
 * argv: SOCKET TOOL FILE [ARGS...]
 * JITTER_MS: the longest random delay before the call and before the end. It makes timing-dependent tests fail every time,
 * instead of sometimes on a busy computer.
 */
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

const jitter = () => sleep(Math.random() * Number(process.env.JITTER_MS ?? 0));

const [socket, tool, file, ...args] = process.argv.slice(2);
const stdin = (await buffer(process.stdin)).toString('base64');

await jitter();
const connection = connect(socket);
connection.on('error', (error) => {
  process.stderr.write(`stand-in for ${tool}: the simulated world does not answer: ${error.message}\n`);
  process.exit(125);
});
// The connection stays open until the answer, so that the server notices when this process is killed.
const { KUBECONFIG } = process.env;
connection.write(`${JSON.stringify({ pid: process.pid, tool, file, args, stdin, env: { KUBECONFIG } })}\n`);

const answer = JSON.parse((await buffer(connection)).toString('utf8'));
await jitter();
process.exitCode = answer.exitCode;
process.stdout.write(Buffer.from(answer.stdout, 'base64'));
process.stderr.write(answer.stderr);
