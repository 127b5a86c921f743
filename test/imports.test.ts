/** Who may import whom. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');

const slices = ['wallet-address', 'auth', 'resource', 'identity-provider', 'control'];
const ground = ['clock', 'ids', 'http', 'database', 'payments'];

/** What each part of src may import besides itself. */
const allowed: Record<string, readonly string[]> = {
  clock: [],
  ids: [],
  http: ['clock', 'database'],
  database: ['clock', 'auth (types)', 'http (types)'],
  payments: ['clock', 'ids', 'http', 'database'],
  events: ['clock', 'ids', 'http', 'database', 'payments'],
  ...Object.fromEntries(slices.map((slice) => [slice, ground])),
  control: [...ground, 'administration', 'events', 'settings'],
  // The authorization server knows nothing of money.
  auth: ground.filter((part) => part !== 'payments'),
  config: [],
  hardening: ['config'],
  listener: [],
  x509: [],
  tls: ['clock', 'config', 'x509'],
  'world-definition': ['auth (types)', 'events (types)', 'http', 'payments', 'wallet-address'],
  'world-choices': ['auth (types)', 'document-reader', 'http (types)'],
  'document-reader': ['config'],
  'world-file': [
    'config',
    'derived-keys',
    'document-reader',
    'http',
    'payments',
    'wallet-address',
    'world-choices',
    'world-definition',
  ],
  'derived-keys': ['http'],
  settings: ['database', 'events (types)', 'payments'],
  // One code path for the control API and for the founding of an ASE.
  administration: [...ground, 'auth', 'events', 'settings', 'wallet-address'],
  founding: ['administration', 'derived-keys', ...ground, 'wallet-address', 'world-definition'],
  servers: [],
  'ase-apps': ['auth', 'http', 'public-app', 'servers'],
  ase: [
    'ase-apps',
    'derived-keys',
    'events',
    ...ground,
    ...slices,
    'public-app',
    'servers',
    'settings',
    'world-definition (types)',
  ],
  'world-setting': ['clock', 'control (types)', 'database'],
  'world-environment': ['servers (types)', 'world-definition (types)'],
  'world-id': [],
  site: ['control (types)', 'database (types)', 'events (types)', 'tls (types)'],
  world: [
    ...ground,
    ...slices,
    'ase',
    'derived-keys',
    'events (types)',
    'founding',
    'hardening',
    'administration (types)',
    'links',
    'locations',
    'servers',
    'settings',
    'site (types)',
    'world-environment',
    'world-id',
    'world-setting',
    'tls',
    'world-definition',
  ],
  links: ['http', 'payments', 'world-definition', 'administration (types)'],
  'public-app': ['http'],
  locations: ['listener', 'servers', 'world-definition', 'x509 (types)'],
  metrics: ['control', 'database', 'http'],
  deployment: [
    'clock',
    'config',
    'control (types)',
    'database',
    'events',
    'http',
    'ids',
    'listener',
    'metrics',
    'tls',
    'world',
    'world-file',
    'world-id',
  ],
  commands: [...ground, 'config', 'deployment', 'servers', 'tls', 'world', 'world-file', 'world-id'],
  index: [...ground, 'control (types)', 'deployment', 'world', 'world-definition', 'world-id'],
  main: ['config', 'commands'],
};

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

function listImports(folder: string): Import[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
    .flatMap((name) => {
      const file = join(folder, name);
      const text = readFileSync(join(root, file), 'utf8');
      const found = text.matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/gm);
      return [...found].map(([, type, from, dynamic]) => ({
        file,
        target: relative(root, join(root, dirname(file), (from ?? dynamic)!)),
        typeOnly: type !== undefined,
      }));
    });
}

test('imports are found at all', () => assert.ok(listImports('src').length > 200));

const partOf = (file: string): string => file.split('/')[1]!.replace(/\.ts$/, '');

test('imports within src go one way', () => {
  const wrong = listImports('src')
    .filter(({ target }) => target.startsWith('src/'))
    .filter(({ file, target, typeOnly }) => {
      const [from, to] = [partOf(file), partOf(target)];
      return from !== to && !allowed[from]?.includes(to) && !(typeOnly && allowed[from]?.includes(`${to} (types)`));
    })
    .map(({ file, target }) => `${file} → ${target}`);
  assert.deepEqual(wrong, []);
});

test('the checks do not import the program', () => {
  const wrong = listImports('conformance').filter(({ target }) => target.startsWith('src/'));
  assert.deepEqual(wrong, []);
});

test('only clock.ts reads the clock, only ids.ts makes random identifiers', () => {
  const exempt = new Map([
    ['src/clock.ts', /Date\.now/],
    ['src/ids.ts', /randomBytes/],
    // Where nothing that a client sees depends on it.
    ['src/world.ts', /randomBytes/],
    ['src/http/pipeline.ts', /randomUUID/],
  ]);
  const wrong = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `src/${name}`)
    .flatMap((file) => {
      const code = readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      const uses = code.match(/Date\.now|new Date\(\)|randomBytes|randomUUID|Math\.random/g) ?? [];
      return uses.filter((use) => !exempt.get(file)?.test(use)).map((use) => `${file}: ${use}`);
    });
  assert.deepEqual([...new Set(wrong)], []);
});
