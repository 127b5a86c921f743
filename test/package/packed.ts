/**
 * The package as users get it: `npm pack`, a clean install, the command on a current and an old Node.js, and the
 * library. Needs the npm registry; `make package-test` runs it.
 */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { startCommand } from './support/started-command.ts';

const root = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

let directory: string;
let packed: { files: { path: string }[]; size: number; filename: string };
let command: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'touchstone-package-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', directory], { cwd: root });
  [packed] = JSON.parse(stdout);
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
  await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `./${packed.filename}`], {
    cwd: directory,
  });
  command = join(directory, 'node_modules', 'touchstone', 'bin', 'touchstone.mjs');
});
after(() => rm(directory, { recursive: true }));

test('the package is small and contains compiled code, the launcher, worlds and documents', async () => {
  // Half of it is the template of embedded databases, and a third the bundle.
  assert.ok(packed.size < 3.6e6, `${packed.size} bytes`);
  const compiled = /^dist\/((src|generated|conformance)\/.+\.(js|d\.ts|json|yaml)|package\.json)$/;
  const documents = /^(docs\/.+\.md|spec\/ase\/.+\.(yaml|json)|examples\/[a-z]+\/(src\/)?[A-Za-z]+\.[a-z]+)$/;
  const vectors = packed.files.filter(({ path }) =>
    /^dist\/conformance\/vectors\/(schemas\/)?[a-z-]+\.(schema\.)?json$/.test(path),
  );
  assert.equal(vectors.length, 2 * 7);
  const others = packed.files.map(({ path }) => path).filter((path) => !compiled.test(path) && !documents.test(path));
  assert.deepEqual(
    others.filter((path) => !path.endsWith('.tar.zst')),
    [
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'bin/touchstone.mjs',
      'conformance/README.md',
      'dist/licenses.txt',
      'examples/README.md',
      'examples/snippets.yaml',
      'package.json',
    ],
  );
  assert.equal(others.length, 11);
});

test('every relative link of the README leads to a file of the package', async () => {
  const home = join(directory, 'node_modules', 'touchstone');
  const links = (await readFile(join(home, 'README.md'), 'utf8')).matchAll(/\]\(([^)\s#]+)[^)]*\)/g);
  const relative = [...links].map(([, link]) => link!).filter((link) => !/^[a-z]+:/.test(link));
  assert.ok(relative.length > 10);
  assert.deepEqual(
    relative.filter((link) => !existsSync(join(home, link))),
    [],
  );
});

test('its dependencies are those of the program', async () => {
  const modules = await readdir(join(directory, 'node_modules'));
  // fast-check is one of them: `touchstone check --properties` draws requests with it.
  for (const name of ['typescript', 'node', '@biomejs']) assert.ok(!modules.includes(name), name);
  // The conformance checks sign with the official library, not with the code of the server.
  assert.deepEqual(await readdir(join(directory, 'node_modules', '@interledger')), ['http-signature-utils']);
  const kilobytes = Number(
    execFileSync('du', ['-sk', join(directory, 'node_modules')], { encoding: 'utf8' }).split('\t')[0],
  );
  assert.ok(kilobytes < 90_000, `${kilobytes} KB`);
});

test('the command starts a world', async () => {
  assert.equal((await stat(join(directory, 'node_modules', '.bin', 'touchstone'))).mode & 0o111, 0o111);
  const { ready, stop } = await startCommand(process.execPath, [command, 'start', '--json', '--port', '0']);
  const { TOUCHSTONE_WALLET_ADDRESS: wallet } = ready.env;
  assert.equal((await fetch(wallet!)).status, 200);
  assert.equal((await fetch(`${ready.ases[0]!.origin}/readyz`)).status, 200);
  assert.equal(await stop(), 0);
});

test('the bundle has what is loaded only with the first rejection, limit and scrape', async () => {
  const limited = ['start', '--json', '--port', '0', '--rate-limits', 'on'];
  const { ready, stop } = await startCommand(process.execPath, [command, ...limited]);
  const { TOUCHSTONE_CONTROL: control, TOUCHSTONE_CONTROL_TOKEN: token } = ready.env;
  const rejected = await fetch(ready.ases[0]!.authServer, { method: 'POST', body: '{}' });
  assert.equal(rejected.status, 400);
  const metrics = await fetch(`${control}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  assert.match(await metrics.text(), /nodejs_heap/);
  assert.equal(await stop(), 0);
});

test('without an installation: the version, an example world and the conformance checks', async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'touchstone-npx-'));
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}` };
  const npx = (...args: string[]) =>
    run('npx', ['--yes', '-p', join(directory, packed.filename), 'touchstone', ...args], { cwd: elsewhere, env });
  try {
    assert.match((await npx('--version')).stdout, /^touchstone \d+\.\d+\.\d+, Node\.js v\d/);
    assert.match((await npx('--help')).stdout, /touchstone check /);
    assert.match((await npx('explain', 'CL-GNAP-17')).stdout, /rfc9635#section-4\.2\.3/);
    const { stdout } = await npx('check', '--start', '--only', 'wallet-address.document');
    assert.match(stdout, /\b0 failed\n$/);
    const example = ['start', '--json', '--port', '0', '--world', 'examples/rust/world.yaml'];
    const { ready, stop } = await startCommand(process.execPath, [command, ...example], { cwd: elsewhere });
    assert.match(ready.env['TOUCHSTONE_WALLET_ADDRESS']!, /\/accounts\//);
    assert.equal(await stop(), 0);
  } finally {
    await rm(elsewhere, { recursive: true });
  }
});

/** The first Node.js on the PATH, outside node_modules, that is too old. */
function findOldNode(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return folders
    .map((folder) => join(folder, 'node'))
    .find((node) => {
      try {
        const version = execFileSync(node, ['--version'], { encoding: 'utf8' });
        return Number(/^v(\d+)/.exec(version)?.[1]) < 22;
      } catch {
        return false;
      }
    });
}
const oldNode = findOldNode();

test('an old Node.js prints one line that says what to do', {
  skip: !oldNode && 'no old Node.js on the PATH',
}, async () => {
  const failed = await run(oldNode!, [command, 'start']).catch((error) => error);
  assert.equal(failed.code, 1);
  assert.equal(failed.stdout, '');
  assert.match(failed.stderr, /^touchstone: Node\.js 22\.17 or newer is needed, and this is v\d.*-p node@24 to npx\n$/);
});

test('the library creates a world, in JavaScript and with types', async () => {
  const program = `import { createWorld, type RunningWorld } from 'touchstone';
await using world: RunningWorld = await createWorld({ consent: 'auto' });
const status: number = (await fetch(world.env['TOUCHSTONE_WALLET_ADDRESS']!)).status;
console.log(status);\n`;
  await writeFile(join(directory, 'program.ts'), program);
  const { stdout } = await run(process.execPath, ['program.ts'], { cwd: directory });
  assert.equal(stdout, '200\n');
  const compiler = join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc');
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024'];
  const types = [
    '--lib',
    'es2024,esnext.disposable',
    '--typeRoots',
    join(root, 'node_modules', '@types'),
    '--types',
    'node',
  ];
  await run(process.execPath, [compiler, ...options, ...types, 'program.ts'], { cwd: directory }).catch((error) =>
    assert.fail(error.stdout),
  );
});
