/**
 * The Dockerfile without Docker: checks its rules, then runs each step in a separate directory until the program is
 * healthy. Needs the npm registry; `make package-test` runs it.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { load } from 'js-yaml';
import { findFreePort } from '../support/free-port.ts';
import { startCommand } from './support/started-command.ts';

const root = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

interface Instruction {
  readonly name: string;
  readonly text: string;
}

interface Stage {
  readonly image: string;
  readonly alias: string | undefined;
  readonly instructions: Instruction[];
}

const known = ['FROM', 'WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'EXPOSE', 'HEALTHCHECK', 'ENTRYPOINT', 'CMD'];

function parseDockerfile(text: string): Stage[] {
  const stages: Stage[] = [];
  for (const line of text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n')) {
    if (line.trim() === '') continue;
    const [, name = '', rest = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    assert.ok(known.includes(name), line);
    if (name === 'FROM') {
      const [image = '', , alias] = rest.split(/ +/);
      stages.push({ image, alias, instructions: [] });
    } else stages.at(-1)!.instructions.push({ name, text: rest });
  }
  return stages;
}

const all = (stage: Stage, name: string): string[] =>
  stage.instructions.filter((instruction) => instruction.name === name).map(({ text }) => text);
const one = (stage: Stage, name: string): string => {
  const found = all(stage, name);
  assert.equal(found.length, 1, name);
  return found[0]!;
};
const afterOptions = (text: string): string => text.replace(/^(--\S+ +)+/, '');

const text = await readFile(join(root, 'Dockerfile'), 'utf8');
const stages = parseDockerfile(text);
const [build, final] = stages as [Stage, Stage];

test('images are named exactly', () => {
  assert.equal(stages.length, 2);
  for (const { image } of stages) assert.match(image, /^node:\d+\.\d+\.\d+-[a-z]+[\d.]*$/);
  assert.match(final.image, /-alpine/);
  const version = (image: string) => /:([\d.]+)/.exec(image)?.[1];
  assert.equal(version(build.image), version(final.image));
});

test('it runs without root, has a health check and receives signals', () => {
  assert.equal(one(final, 'USER'), 'node');
  const names = final.instructions.map(({ name }) => name);
  assert.ok(names.indexOf('USER') > names.lastIndexOf('COPY'), 'nothing that it runs is its own to change');
  assert.match(one(final, 'HEALTHCHECK'), /\/readyz/);
  // The exec form is required: a shell would not forward SIGTERM.
  for (const name of ['ENTRYPOINT', 'CMD']) assert.ok(Array.isArray(JSON.parse(one(final, name))), name);
  assert.doesNotMatch(text, /ARG|TOKEN|SECRET|PASSWORD|npmrc/);
});

test('the build context contains exactly what is copied', async () => {
  const ignore = (await readFile(join(root, '.dockerignore'), 'utf8')).split('\n').filter((line) => /^[^#]/.test(line));
  const copied = stages.flatMap((stage) => all(stage, 'COPY')).filter((copy) => !copy.startsWith('--from'));
  const sources = copied.flatMap((copy) => copy.split(/ +/).slice(0, -1));
  assert.equal(ignore[0], '*');
  assert.deepEqual(ignore.slice(1).toSorted(), sources.map((source) => `!${source}`).toSorted());
});

test('the compose file publishes ports on loopback only and waits for the database', async () => {
  const { services } = load(await readFile(join(root, 'compose.yaml'), 'utf8')) as {
    services: Record<string, Record<string, unknown>>;
  };
  const { touchstone, database } = services;
  const published = touchstone!['ports'] as string[];
  assert.deepEqual(
    published.map((port) => port.replace(/^127\.0\.0\.1:(\d+):\1$/, '$1')),
    one(final, 'EXPOSE').split(' '),
  );
  assert.equal(database!['ports'], undefined);
  assert.match(database!['image'] as string, /^postgres:\d+\.\d+-/);
  assert.deepEqual(touchstone!['depends_on'], { database: { condition: 'service_healthy' } });
  assert.ok(database!['healthcheck']);
});

// ── Steps ──

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'touchstone-image-'));
});
after(() => rm(directory, { recursive: true }));

/** Uses the Node.js of this repository and the registry settings of the host. */
const environment = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}` };

async function runStage(stage: Stage, place: string, placeOf: (path: string) => string): Promise<void> {
  await mkdir(place);
  for (const { name, text: step } of stage.instructions) {
    if (name === 'RUN') await run('sh', ['-ec', step], { cwd: place, env: environment });
    if (name !== 'COPY') continue;
    const paths = afterOptions(step).split(/ +/);
    const target = join(place, paths.pop()!);
    for (const path of paths) {
      const intoDirectory = paths.length > 1 || step.endsWith('./');
      await cp(placeOf(path), intoDirectory ? join(target, basename(path)) : target, {
        recursive: true,
        verbatimSymlinks: true,
      });
    }
  }
}

test('its steps build a program that starts, becomes healthy and stops', async () => {
  const [built, image] = [join(directory, 'build'), join(directory, 'image')];
  await runStage(build, built, (path) => join(root, path));
  await runStage(final, image, (path) =>
    path.startsWith('/') ? join(built, path.slice(one(build, 'WORKDIR').length)) : join(root, path),
  );
  const [file, ...entry] = JSON.parse(one(final, 'ENTRYPOINT')) as [string, ...string[]];
  const args = [...entry, ...JSON.parse(one(final, 'CMD'))];
  const port = String(await findFreePort());
  const env = { ...environment, TOUCHSTONE_PORT: port, NODE_ENV: 'production' };
  const check = () => {
    const [checker, ...rest] = JSON.parse(afterOptions(one(final, 'HEALTHCHECK')).replace(/^CMD /, ''));
    return run(checker, rest, { cwd: image, env });
  };
  await assert.rejects(check(), 'nothing listens yet');
  const { ready, stop } = await startCommand(file, [...args, '--json'], { cwd: image, env });
  assert.equal(new URL(ready.ases[0]!.origin).port, port);
  await check();
  assert.equal(await stop(), 0);
});
