/**
 * The generated files are complete, reproducible and, as far as can be checked without Java, up to date.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { printErrorCodes } from '../../codegen/error-codes.ts';
import { loadDocuments } from '../../codegen/generate.ts';
import { sha256 } from '../../codegen/json.ts';
import { listOperations } from '../../codegen/operations.ts';
import {
  checkLock,
  computeLock,
  type GenerationConfig,
  readInterpretations,
  type SpecLock,
} from '../../codegen/source.ts';
import { printTypes } from '../../codegen/types.ts';
import { printValidators } from '../../codegen/validators.ts';
import { errorCodes } from '../../generated/auth-server/errors.ts';
import { routes as authRoutes } from '../../generated/auth-server/routes.ts';
import { routes as resourceRoutes } from '../../generated/resource-server/routes.ts';
import { routes as walletRoutes } from '../../generated/wallet-address-server/routes.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const config = JSON.parse(read('codegen.config.json')) as GenerationConfig;
const lock = JSON.parse(read(config.upstream.lock)) as SpecLock;
const { documents, inputs } = loadDocuments(config, undefined);

describe('up to date', () => {
  for (const [name, document] of documents) {
    test(name, async () => {
      const generated = (file: string) => read(`generated/${name}/${file}`);
      assert.equal(generated('document.json'), `${JSON.stringify(document, null, 2)}\n`);
      assert.equal(generated('types.ts'), await printTypes(document));
      assert.equal(generated('errors.ts'), printErrorCodes(document));
      const validators = printValidators(document);
      assert.ok(generated('validators.js') === validators.code, 'validators.js');
      assert.equal(generated('validators.d.ts'), validators.types);
      const routed = [...generated('routes.ts').matchAll(/operationId: '([^']+)'/g)].map((match) => match[1]);
      const declared = listOperations(document).map(({ id }) => id);
      assert.deepEqual(routed.sort(), declared.sort());
    });
  }

  test('the manifest has the digest of every input and output', () => {
    const manifest = JSON.parse(read('generated/MANIFEST.json')) as Record<string, Record<string, string>>;
    for (const [file, digest] of Object.entries(manifest['outputs']!)) {
      assert.equal(sha256(readFileSync(join(root, 'generated', file))), digest, file);
    }
    const present = readdirSync(join(root, 'generated'), { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile() && entry.name !== 'MANIFEST.json',
    ).length;
    assert.equal(Object.keys(manifest['outputs']!).length, present);
    for (const [file, digest] of Object.entries(inputs)) assert.equal(manifest['inputs']![file], digest, file);
    assert.deepEqual(manifest['generators'], config.generators);
  });
});

describe('the lock', () => {
  test('names the installed package', () => {
    const installed = computeLock(root, config);
    assert.deepEqual(installed, lock);
    checkLock(installed, lock, config.upstream.lock);
  });

  test('rejects another version or changed bytes, and says what to do', () => {
    const [file] = Object.keys(lock.sha256) as [string];
    const tampered = { ...lock, sha256: { ...lock.sha256, [file]: sha256('other') } };
    assert.throws(() => checkLock(tampered, lock, 'lock.json'), new RegExp(`${file}.*--update-lock`));
    assert.throws(
      () => checkLock({ ...lock, version: '0.0.0' }, lock, 'lock.json'),
      /@0\.0\.0 is not what lock\.json locks/,
    );
  });
});

test('without Java the error says what to install', () => {
  const run = spawnSync(process.execPath, [join(root, 'codegen/generate.ts'), '--check'], {
    cwd: root,
    env: { PATH: '/nonexistent' },
    encoding: 'utf8',
  });
  assert.equal(run.status, 1);
  assert.match(run.stderr, /^Generation needs a Java runtime 11 or newer on the PATH \(.*\n$/);
});

test('make passes SPEC_DIR on as it is', (t) => {
  const bin = mkdtempSync(join(tmpdir(), 'touchstone-make-'));
  t.after(() => rmSync(bin, { recursive: true }));
  writeFileSync(join(bin, 'node'), '#!/bin/sh\n[ "$1" != codegen/generate.ts ] || printf %s "$SPEC_DIR"', {
    mode: 0o700,
  });
  // Without a look at the installed packages.
  const args = ['-s', '-o', 'node_modules/.package-lock.json', 'generate', `bin=${bin}`];
  for (const directory of ['/a b', "/it's", '/a"b', '/a;b'])
    assert.equal(
      spawnSync('make', [...args, `SPEC_DIR=${directory}`], { cwd: root, encoding: 'utf8' }).stdout,
      directory,
    );
});

test('a duplicate interpretation id is an error', () => {
  assert.ok(readInterpretations(read(config.interpretations)).has('OPI-001'));
  assert.throws(() => readInterpretations('## OPI-001 a\n## OPI-001 b\n'), /OPI-001 is defined twice/);
});

describe('the protocol', () => {
  test('has 18 operations and two for discovery', () => {
    const ids = [authRoutes, resourceRoutes, walletRoutes].flatMap((routes) => Object.keys(routes));
    assert.equal(new Set(ids).size, 20);
    assert.deepEqual(resourceRoutes['get-quote'].responses, [200, 400, 401, 403, 404, 405, 429, 500, 503]);
    assert.deepEqual(authRoutes['post-request'].security, []);
  });

  test('the authorization server sends these codes with these statuses (AS-162)', () => {
    const declared = {
      405: ['invalid_request'],
      413: ['invalid_request'],
      429: ['request_denied'],
      500: ['request_denied'],
      503: ['request_denied'],
    };
    assert.deepEqual(errorCodes, {
      'options-discovery': { ...declared, 400: ['invalid_request'] },
      'get-discovery': { ...declared, 400: ['invalid_request'] },
      'post-request': { ...declared, 400: ['invalid_request', 'invalid_client'], 401: ['invalid_client'] },
      'post-continue': {
        ...declared,
        400: ['too_fast', 'invalid_client', 'invalid_request'],
        401: ['invalid_client', 'invalid_continuation', 'request_denied'],
        404: ['invalid_continuation', 'invalid_request'],
      },
      'delete-continue': {
        ...declared,
        400: ['invalid_client'],
        401: ['invalid_client', 'invalid_continuation', 'invalid_request'],
        404: ['invalid_request'],
      },
      'post-token': {
        ...declared,
        400: ['invalid_rotation', 'invalid_client'],
        401: ['invalid_client'],
        404: ['invalid_rotation'],
      },
      'delete-token': { ...declared, 400: ['invalid_client'], 401: ['invalid_client'] },
    });
  });
});
