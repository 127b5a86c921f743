/**
 * Installs the packages: one installation at a time in a checkout, with a word of progress, and one sentence if the
 * registry cannot be reached. Plain JavaScript that old versions of Node.js can run. The Makefile calls it.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const lock = join(root, '.cache', 'install.lock');
const holder = join(lock, 'pid');
const installed = join(root, 'node_modules', '.package-lock.json');
const wanted = join(root, 'package-lock.json');
const WAIT_MS = 500;

const wait = () => new Promise((done) => setTimeout(done, WAIT_MS));
const say = (text) => process.stderr.write(`touchstone: ${text}\n`);

function modified(file) {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}

function isHeld() {
  try {
    process.kill(Number(readFileSync(holder, 'utf8')), 0);
    return true;
  } catch (error) {
    if (error.code === 'EPERM') return true;
    // The holder may have created the directory, but not yet the file.
    return Date.now() - modified(lock) < 5000 && error.code === 'ENOENT';
  }
}

async function takeLock() {
  mkdirSync(dirname(lock), { recursive: true });
  for (let waited = 0; ; waited += 1) {
    try {
      mkdirSync(lock);
      writeFileSync(holder, String(process.pid));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!isHeld()) rmSync(lock, { recursive: true, force: true });
    else {
      if (waited === 0) say('another make installs the packages; waiting for it');
      await wait();
    }
  }
}

function install() {
  say('installing the packages (once, about a minute) …');
  const args = [
    'ci',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--fetch-retries=1',
    '--fetch-retry-mintimeout=1000',
  ];
  const { status, error, stderr } = spawnSync('npm', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  if (status === 0) return 0;
  const unreachable = /\b(EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ECONNRESET)\b/.exec(
    stderr || '',
  );
  if (error) say(`npm does not start (${error.code}): install npm 10 or newer`);
  else if (unreachable) {
    say(
      `the npm registry cannot be reached (${unreachable[1]}): the first installation needs network, or a filled npm cache`,
    );
  } else process.stderr.write(stderr);
  return 1;
}

await takeLock();
try {
  // Another make may have installed them meanwhile.
  process.exitCode = modified(installed) > modified(wanted) ? 0 : install();
} finally {
  rmSync(lock, { recursive: true, force: true });
}
