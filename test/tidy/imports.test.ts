/** The layers of `src/`: each part imports only parts of lower layers, and no two files import each other in a cycle. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');

/** From the bottom up. Parts of one layer do not import each other. Types count as imports. */
const layers: readonly (readonly string[])[] = [
  ['clock', 'errors', 'profile'],
  ['ids'],
  ['open-payments', 'telemetry'],
  ['crypto', 'faults', 'html', 'net'],
  ['report'],
  ['database'],
  ['http'],
  ['grade'],
  ['payments'],
  ['events'],
  ['auth', 'identity-provider', 'resource', 'wallet-address'],
  ['administration'],
  ['ase', 'control'],
  ['inspector'],
  ['world'],
  ['cli', 'index'],
  ['main'],
];

interface Import {
  readonly file: string;
  readonly target: string;
}

const sourceFiles = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
    .map((name) => join(folder, name));

function listImports(folder: string): Import[] {
  return sourceFiles(folder).flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const found = text.matchAll(/^(?:import|export)\s[^;]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/gm);
    return [...found].map(([, from, dynamic]) => ({
      file,
      target: relative(root, join(root, dirname(file), (from ?? dynamic)!)),
    }));
  });
}

const imports = listImports('src');
const partOf = (file: string): string => file.split('/')[1]!.replace(/\.ts$/, '');
const layerOf = (part: string): number => layers.findIndex((layer) => layer.includes(part));

test('every part of src belongs to a layer', () => {
  assert.ok(imports.length > 200);
  const parts = new Set(sourceFiles('src').map(partOf));
  assert.deepEqual([...parts].sort(), layers.flat().sort());
});

test('imports within src point to lower layers', () => {
  const wrong = imports
    .filter(({ target }) => target.startsWith('src/'))
    .filter(({ file, target }) => {
      const [from, to] = [partOf(file), partOf(target)];
      return from !== to && layerOf(to) >= layerOf(from);
    })
    .map(({ file, target }) => `${file} → ${target}`);
  assert.deepEqual(wrong, []);
});

test('no files import each other in a cycle', () => {
  const targets = Map.groupBy(imports, ({ file }) => file);
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
    else if (!done.has(file)) {
      for (const { target } of targets.get(file) ?? []) visit(target, [...path, file]);
      done.add(file);
    }
  };
  for (const file of targets.keys()) visit(file, []);
  assert.deepEqual(cycles, []);
});

test('the source tree has at most seven loose files', () => {
  const loose = sourceFiles('src').filter((file) => file.split('/').length === 2);
  assert.ok(loose.length <= 7, loose.join(', '));
});

/** Files and packages that are loaded with a file: neither types nor what `import()` loads later. */
function listLoaded(file: string): string[] {
  const loadedBy = (each: string): string[] => {
    const text = readFileSync(join(root, each), 'utf8');
    return [...text.matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)'/gm)].map(([, from]) =>
      from!.startsWith('.') ? relative(root, join(root, dirname(each), from!)) : from!,
    );
  };
  const loaded = new Set([file]);
  for (const each of loaded) if (each.startsWith('src/')) for (const next of loadedBy(each)) loaded.add(next);
  return [...loaded];
}

test('a start does not wait for packages that it may not need', () => {
  const later =
    /^(@opentelemetry|@peculiar|@electric-sql|@mikro-orm|fast-check|fast-xml-builder|js-yaml|pg|prom-client|rate-limiter-flexible|express-openapi-validator)\b/;
  const loaded = listLoaded('src/cli/start.ts');
  assert.ok(loaded.includes('express') && loaded.includes('kysely'));
  assert.deepEqual(
    loaded.filter((each) => later.test(each)),
    [],
  );
});

test('the commands that read a world do not load the server', () => {
  for (const command of ['explain-exchange', 'ledger', 'log', 'payments', 'reconcile']) {
    const wrong = listLoaded(`src/cli/${command}.ts`).filter(
      (file) => !/^src\/(cli\/|errors\.ts$|report\/visible-text\.ts$)|^node:/.test(file),
    );
    assert.deepEqual(wrong, [], command);
  }
});

test('the checks do not import the program, except for the formats of reports', () => {
  const shared = (file: string, target: string) =>
    file.startsWith('conformance/runner/') && /^src\/(report\/|errors\.ts$)/.test(target);
  const wrong = listImports('conformance').filter(
    ({ file, target }) => target.startsWith('src/') && !shared(file, target),
  );
  assert.deepEqual(wrong, []);
});

test('only clock.ts reads the clock, only ids.ts makes random identifiers', () => {
  const exempt = new Map([
    ['src/clock.ts', /Date\.now/],
    ['src/ids.ts', /random(Bytes|UUID)/],
    // No client can observe these values.
    ['src/world/runtime.ts', /randomBytes/],
    ['src/http/pipeline.ts', /randomUUID/],
  ]);
  const wrong = sourceFiles('src').flatMap((file) => {
    const code = readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    const uses = code.match(/Date\.now|new Date\(\)|randomBytes|randomUUID|Math\.random/g) ?? [];
    return uses.filter((use) => !exempt.get(file)?.test(use)).map((use) => `${file}: ${use}`);
  });
  assert.deepEqual([...new Set(wrong)], []);
});
