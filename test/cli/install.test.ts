/** `make install`, with an npm that only leaves traces, and with a registry that does not answer. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

let folder: string;
let checkout: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'touchstone-install-'));
});
after(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  checkout = join(folder, 'a checkout');
  await rm(checkout, { recursive: true, force: true });
  await mkdir(join(checkout, 'bin'), { recursive: true });
  await cp(join(root, 'bin', 'install.mjs'), join(checkout, 'bin', 'install.mjs'));
  await writeFile(join(checkout, 'package-lock.json'), '{}');
});

/** Notes each run in `log`, and whether another one was under way. */
const fakeNpm = `#!/usr/bin/env node
const fs = require('node:fs');
fs.appendFileSync('log', fs.existsSync('busy') ? 'twice ' : 'once ');
fs.writeFileSync('busy', '');
fs.mkdirSync('node_modules', { recursive: true });
setTimeout(() => {
  fs.rmSync('busy');
  fs.writeFileSync('node_modules/.package-lock.json', '{}');
}, 100);
`;

async function install(environment: Readonly<Record<string, string>> = {}) {
  const env = { ...process.env, ...environment };
  const program = join(checkout, 'bin', 'install.mjs');
  return run(process.execPath, [program], { env }).catch((error: { code: number; stderr: string }) => error);
}

async function installWithFakeNpm() {
  const programs = join(folder, 'programs');
  await mkdir(programs, { recursive: true });
  await writeFile(join(programs, 'npm'), fakeNpm, { mode: 0o755 });
  const path = [programs, dirname(process.execPath), process.env['PATH']].join(delimiter);
  return install({ PATH: path });
}

test('several at once install once, one after the other, and each says what it does', async () => {
  const outputs = await Promise.all([installWithFakeNpm(), installWithFakeNpm(), installWithFakeNpm()]);
  assert.equal(await readFile(join(checkout, 'log'), 'utf8'), 'once ');
  const texts = outputs.map(({ stderr }) => stderr).toSorted();
  assert.match(texts.at(-1)!, /installing the packages/);
  for (const text of texts.slice(0, -1)) assert.match(text, /^(touchstone: another make installs .*\n)?$/);
});

test('the lock of a program that was killed is taken over, even if another has its process id now', async () => {
  const lock = join(checkout, '.cache', 'install.lock');
  await mkdir(lock, { recursive: true });
  await writeFile(join(lock, 'pid'), `${process.pid}`);
  await utimes(lock, new Date(0), new Date(0));
  await installWithFakeNpm();
  assert.equal(await readFile(join(checkout, 'log'), 'utf8'), 'once ');
});

test('without a registry it ends with one sentence', async () => {
  const url = 'https://registry.npmjs.org/nothing/-/nothing-1.0.0.tgz';
  const dependencies = { nothing: '1.0.0' };
  const packages = { '': { dependencies }, 'node_modules/nothing': { version: '1.0.0', resolved: url } };
  await writeFile(join(checkout, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages }));
  await writeFile(join(checkout, 'package.json'), JSON.stringify({ dependencies }));
  const failed = await install({
    npm_config_registry: 'http://127.0.0.1:1',
    npm_config_cache: join(folder, 'cache'),
    npm_config_update_notifier: 'false',
  });
  assert.equal('code' in failed && failed.code, 1);
  // On a busy machine npm takes long enough for words of progress.
  const sentences = failed.stderr.split('\n').filter((line) => !/: (still )?installing/.test(line));
  assert.deepEqual(sentences, [
    'touchstone: the npm registry cannot be reached (ECONNREFUSED): the first installation needs network, or a filled npm cache',
    '',
  ]);
});
