/**
 * Installs the packages: one installation at a time in a checkout, with a word of progress, and one sentence if the
 * registry cannot be reached. Plain JavaScript that old versions of Node.js can run. The Makefile calls it.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const lock = join(root, '.cache', 'install.lock');
const installed = join(root, 'node_modules', '.package-lock.json');
const wanted = join(root, 'package-lock.json');
const WAIT_MS = 300;
/** The holder touches the lock this often; a lock that is older than the second figure is abandoned. */
const TOUCH_MS = 1000;
const STALE_MS = 15_000;
const PROGRESS_MS = 10_000;

const wait = () => new Promise((done) => setTimeout(done, WAIT_MS));
const say = (text) => process.stderr.write(`touchstone: ${text}\n`);

function modified(file) {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}

/** The id of the process that holds the lock; undefined while it is not written. */
function readHolder(directory) {
  try {
    return Number(readFileSync(join(directory, 'pid'), 'utf8'));
  } catch {
    return undefined;
  }
}

function isHeld(holder) {
  if (Date.now() - modified(lock) > STALE_MS) return false;
  if (holder === undefined) return true;
  try {
    process.kill(holder, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Moves the lock of a dead process away. If another process took it in between, it gets it back. */
function removeStale(holder) {
  const moved = `${lock}.${process.pid}`;
  try {
    renameSync(lock, moved);
    if (readHolder(moved) !== holder) renameSync(moved, lock);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
  }
  rmSync(moved, { recursive: true, force: true });
}

async function takeLock() {
  mkdirSync(dirname(lock), { recursive: true });
  for (let waited = 0; ; waited += 1) {
    try {
      mkdirSync(lock);
      writeFileSync(join(lock, 'pid'), String(process.pid));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = readHolder(lock);
    if (!isHeld(holder)) removeStale(holder);
    else {
      if (waited === 0) say('another make installs the packages; waiting for it');
      await wait();
    }
  }
}

/** Runs npm; resolves with its exit code and stderr. */
function runNpm() {
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const retries = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000'];
  const npm = spawn('npm', [...args, ...retries], { cwd: root, stdio: ['ignore', 'inherit', 'pipe'] });
  let stderr = '';
  npm.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  return new Promise((done) => {
    npm.once('error', (error) => done({ error, stderr }));
    npm.once('close', (code) => done({ code, stderr }));
  });
}

/** Makes the template of embedded databases, for which the first start would wait. It can do so too, so errors are left to it. */
function prepareDatabase() {
  const node = join(root, 'node_modules', '.bin', 'node');
  const building = spawn(node, [join(root, 'src', 'database', 'build-template.ts')], { cwd: root, stdio: 'ignore' });
  return new Promise((done) => {
    building.once('error', () => done(0));
    building.once('close', () => done(0));
  });
}

async function install() {
  say('installing the packages (once, about a minute) …');
  const started = Date.now();
  const touching = setInterval(() => utimesSync(lock, new Date(), new Date()), TOUCH_MS);
  const telling = setInterval(
    () => say(`still installing, for ${Math.round((Date.now() - started) / 1000)} s …`),
    PROGRESS_MS,
  );
  const { code, error, stderr } = await runNpm();
  clearInterval(touching);
  clearInterval(telling);
  if (code === 0) return prepareDatabase();
  const unreachable = /\b(EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ECONNRESET)\b/.exec(
    stderr,
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
  process.exitCode = modified(installed) > modified(wanted) ? 0 : await install();
} finally {
  rmSync(lock, { recursive: true, force: true });
}
