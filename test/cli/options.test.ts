/** Options: one table for help, validation and docs/options.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { environmentName, options, printHelp, printOptionTable, readConfig } from '../../src/cli/options.ts';
import { ConfigError } from '../../src/errors.ts';
import { checkExposure } from '../../src/world/exposure.ts';

test('defaults, environment, command line: the later wins', () => {
  assert.equal(readConfig([], {}).port, 4000);
  assert.equal(readConfig([], { TOUCHSTONE_PORT: '5000' }).port, 5000);
  assert.equal(readConfig(['--port', '0'], { TOUCHSTONE_PORT: '5000' }).port, 0);
  assert.equal(readConfig(['--port=7'], {}).port, 7);
  assert.equal(readConfig(['--json'], {}).json, true);
  assert.equal(readConfig([], { TOUCHSTONE_JSON: '1' }).json, true);
  assert.equal(readConfig([], {}).seed, undefined);
});

test('an unknown option names the nearest one', () => {
  assert.throws(
    () => readConfig(['--pubic-url', 'x'], {}),
    new ConfigError('unknown option --pubic-url; did you mean --public-url?'),
  );
  assert.throws(() => readConfig(['--databse-url=x'], {}), /did you mean --database-url\?/);
});

test('values are checked', () => {
  assert.throws(() => readConfig(['--port', 'x'], {}), /--port takes a port, not 'x'/);
  assert.throws(() => readConfig(['--port', '70000'], {}), ConfigError);
  assert.throws(() => readConfig(['--consent', 'maybe'], {}), /--consent takes auto, deny, manual, not 'maybe'/);
  assert.throws(() => readConfig(['--profile'], {}), ConfigError);
  assert.throws(() => readConfig(['start'], {}), ConfigError);
});

test('`--help` and docs/options.md come from the table', () => {
  for (const option of Object.values(options)) assert.ok(printHelp().includes(`--${option.flag}`));
  assert.equal(environmentName(options.publicUrl), 'TOUCHSTONE_PUBLIC_URL');
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'options.md'), 'utf8');
  const table = /<!-- options -->\n([\s\S]*?)\n<!-- \/options -->/.exec(page)?.[1];
  assert.equal(table, printOptionTable(), 'put the output of printOptionTable() into docs/options.md');
});

test('what is for tests is refused where others could reach it', () => {
  const testing = { '--seed': true, '--failpoint': false };
  assert.deepEqual(
    checkExposure({ hosts: ['127.0.0.1', 'localhost', '::1', 'a.localhost'], insecure: false, testing }),
    { local: true },
  );
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'ase.example', '127.0.0.1.example']) {
    assert.throws(
      () => checkExposure({ hosts: ['127.0.0.1', host], insecure: false, testing }),
      /--seed on .*--insecure/,
    );
  }
  assert.deepEqual(checkExposure({ hosts: ['0.0.0.0'], insecure: true, testing }), { local: true });
  assert.deepEqual(checkExposure({ hosts: ['0.0.0.0'], insecure: false, testing: {} }), { local: false });
});
