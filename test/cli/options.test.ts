/** Options: one table for help, validation and docs/options.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { printCommandHelp, printOptionTables } from '../../src/cli/help.ts';
import type { Option } from '../../src/cli/option.ts';
import { environmentName, options } from '../../src/cli/options.ts';
import { parseConfig } from '../../src/cli/parse-config.ts';
import { ConfigError } from '../../src/errors.ts';

test('defaults, environment, command line: the later wins', () => {
  assert.equal(parseConfig('start', [], {}).port, 4000);
  assert.equal(parseConfig('start', [], { TOUCHSTONE_PORT: '5000' }).port, 5000);
  assert.equal(parseConfig('start', ['--port', '0'], { TOUCHSTONE_PORT: '5000' }).port, 0);
  assert.equal(parseConfig('start', ['--port=7'], {}).port, 7);
  assert.equal(parseConfig('start', ['--json'], {}).json, true);
  assert.equal(parseConfig('start', [], { TOUCHSTONE_JSON: '1' }).json, true);
  assert.equal(parseConfig('start', [], {}).seed, undefined);
});

test('an unknown option names the nearest one', () => {
  assert.throws(
    () => parseConfig('start', ['--pubic-url', 'x'], {}),
    new ConfigError('unknown option --pubic-url; did you mean --public-url?'),
  );
  assert.throws(() => parseConfig('start', ['--databse-url=x'], {}), /did you mean --database-url\?/);
});

test('values are checked', () => {
  assert.throws(() => parseConfig('start', ['--port', 'x'], {}), /--port takes a port from 0 to 65535, not 'x'/);
  assert.throws(() => parseConfig('start', ['--port', '70000'], {}), ConfigError);
  assert.throws(
    () => parseConfig('start', ['--consent', 'maybe'], {}),
    /--consent takes auto, deny, manual, not 'maybe'/,
  );
  assert.throws(() => parseConfig('start', ['--profile'], {}), ConfigError);
  assert.throws(() => parseConfig('start', ['start'], {}), ConfigError);
});

test('an empty value is refused, on the command line and in the environment', () => {
  for (const { flag, kind, commands = ['start' as const] } of Object.values(options) as Option[]) {
    if (kind === 'boolean') continue;
    const command = commands[0]!;
    assert.throws(() => parseConfig(command, [`--${flag}=`], {}), new RegExp(`--${flag} is empty`));
    assert.throws(
      () => parseConfig(command, [], { [environmentName({ flag })]: '' }),
      new RegExp(`${environmentName({ flag })} is empty`),
    );
  }
});

test('a command takes only its own options', () => {
  assert.equal(parseConfig('ledger', ['--control-port', '7'], {}).controlPort, 7);
  assert.throws(
    () => parseConfig('ledger', ['--consent', 'auto'], {}),
    /unknown option --consent; touchstone ledger --help lists/,
  );
  assert.throws(() => parseConfig('start', ['--peer-control', 'x'], {}), ConfigError);
  assert.equal(parseConfig('reconcile', ['--peer-control', 'x'], {}).peerControl, 'x');
  // An environment that is meant for `start` does no harm.
  assert.equal(parseConfig('ledger', [], { TOUCHSTONE_CONSENT: 'maybe' }).consent, undefined);
  assert.match(printCommandHelp('ledger'), /--control-token TOKEN/);
  assert.doesNotMatch(printCommandHelp('ledger'), /--consent|--peer-control/);
});

test('`--help` and docs/options.md come from the table', () => {
  const help = (['start', 'reconcile', 'payments', 'log', 'grade'] as const).map(printCommandHelp).join('');
  for (const option of Object.values(options)) assert.ok(help.includes(`--${option.flag}`));
  assert.equal(environmentName(options.publicUrl), 'TOUCHSTONE_PUBLIC_URL');
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'options.md'), 'utf8');
  const tables = /<!-- options -->\n([\s\S]*?)\n<!-- \/options -->/.exec(page)?.[1];
  assert.equal(tables, printOptionTables(), 'put the output of printOptionTables() into docs/options.md');
});
