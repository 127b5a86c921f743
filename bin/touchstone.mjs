#!/usr/bin/env node
/**
 * The command `touchstone`, from a checkout and from the package. It is plain JavaScript that old versions of Node.js
 * can run: if this version is too old for the program, it continues with the Node.js that the packages of the checkout
 * include, or says what to do.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const isCheckout = existsSync(join(root, 'src', 'main.ts'));
/**
 * The conformance checks are a separate program, which knows the server only over HTTP. It also explains their ids,
 * such as `quote.expired`, and those of their requirements, such as `RS-Q-01`.
 */
const [folder, name, args] = (() => {
  const [command, ...others] = process.argv.slice(2);
  if (command === 'check') return [join('conformance', 'runner'), 'main', others];
  const isCheckId = /^([a-z-]+\.[\w.-]+|(?!CL-)[A-Z]+(-[A-Z]+)*-[A-Z]?\d+)$/.test(others[0] ?? '');
  if (command === 'explain' && isCheckId) return [join('conformance', 'runner'), 'explain-main', others];
  return ['src', 'main', process.argv.slice(2)];
})();
const program = isCheckout ? join(root, folder, `${name}.ts`) : join(root, 'dist', folder, `${name}.js`);
/** TypeScript runs unbuilt from 22.18 on. */
const needed = isCheckout ? [22, 18] : [22, 17];
const included = join(root, 'node_modules', '.bin', 'node');

function isNewEnough(version) {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number);
  return major > needed[0] || (major === needed[0] && minor >= needed[1]);
}

function fail(message) {
  process.stderr.write(`touchstone: ${message}\n`);
  process.exit(1);
}

/** Continues in the included Node.js, with all signals. Its end is ours. */
function continueWithIncluded() {
  // The program recognises its launcher by this name.
  process.title = 'touchstone';
  const child = spawn(included, [program, ...args], { stdio: 'inherit' });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => fail(`${included} does not start (${error.code}): run \`make install\``));
  child.once('exit', (code, signal) => {
    for (const name of signals) process.removeAllListeners(name);
    if (signal === null) process.exit(code);
    process.kill(process.pid, signal);
  });
}

if (isCheckout && !existsSync(join(root, 'node_modules', 'pino'))) {
  fail('the packages are missing: run `make install` first');
} else if (isNewEnough(process.version)) {
  process.argv = [process.argv[0], program, ...args];
  await import(pathToFileURL(program).href);
} else if (isCheckout && isNewEnough(spawnSync(included, ['--version'], { encoding: 'utf8' }).stdout || '0.0')) {
  continueWithIncluded();
} else {
  const other = isCheckout
    ? 'run `make install`, which brings one'
    : 'put a newer one on the PATH, or add -p node@24 to npx';
  fail(`Node.js ${needed.join('.')} or newer is needed, and this is ${process.version}: ${other}`);
}
