/** Runs a client program against a fresh world: `node examples/run.ts PROGRAM [ARGUMENT…]`. */
import { spawn } from 'node:child_process';
import { startTarget } from '../conformance/runner/start-target.ts';

const [program, ...rest] = process.argv.slice(2);
if (program === undefined) {
  console.error('usage: node examples/run.ts PROGRAM [ARGUMENT…]');
  process.exit(2);
}
const target = await startTarget();
const { TOUCHSTONE_CA: authority } = target.variables;
try {
  // A JavaScript example runs on the current Node; anything else is a command.
  const command = /\.(mjs|ts)$/.test(program) ? [process.execPath, program, ...rest] : [program, ...rest];
  const child = spawn(command[0]!, command.slice(1), {
    stdio: 'inherit',
    // Node clients take the authority of a world with TLS from there.
    env: { ...process.env, ...(authority && { NODE_EXTRA_CA_CERTS: authority }), ...target.variables },
  });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
} finally {
  await target.stop();
}
