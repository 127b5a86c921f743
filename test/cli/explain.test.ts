/** `touchstone explain`: requirements, areas and probes as text and as JSON. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { describe, explain } from '../../src/cli/explain.ts';
import { parseConfig } from '../../src/cli/parse-config.ts';
import { runCommand } from '../../src/cli/run.ts';
import { ConfigError } from '../../src/errors.ts';
import { areaNames, requirementIds, requirements } from '../../src/grade/catalogue.ts';
import { probeIds, probes } from '../../src/grade/probes.ts';

const root = join(import.meta.dirname, '..', '..');

test('a requirement has statement, reason, references, probes, fix and broken client', () => {
  const text = explain('CL-GNAP-17').replaceAll(/\s+/g, ' ');
  const { title, statement, why, fix, broken } = requirements['CL-GNAP-17'];
  for (const part of [title, statement, why, fix, broken, 'https://www.rfc-editor.org/rfc/rfc9635#section-4.2.3'])
    assert.ok(text.includes(part), part);
  assert.match(text, /^CL-GNAP-17 must .* probes P04 as-mix-up /);
  assert.match(explain('CL-SIG-10'), /must \(note in the profile compat\)/);
});

test('a probe has its behaviour, its facts, its deadline and the requirements that it judges', () => {
  const text = explain('P24').replaceAll(/\s+/g, ' ');
  const { server, armed, reached, forbidden = '', lawful, caution } = probes.P24;
  for (const part of [server, armed, reached, forbidden, lawful, caution]) assert.ok(text.includes(part), part);
  assert.match(
    text,
    /15 seconds .* silence passes, but a process that has to be killed fails .* judges CL-TOK-08 should/,
  );
  assert.match(explain('P49'), /only +in worlds with TLS/);
});

test('ids are found in any case, and probes by name', () => {
  assert.equal(explain('cl-gnap-17'), explain('CL-GNAP-17'));
  assert.equal(explain('as-mix-up'), explain('P04'));
});

test('without an id, all areas and ids are listed; an area and the probes have a line each', () => {
  const all = explain();
  assert.match(all, /^149 requirements: 93 must, 38 should, 18 note; 49 probes$/m);
  for (const area of areaNames) assert.ok(all.includes(`\n${area}  `), area);
  for (const id of probeIds) assert.ok(all.includes(id), id);
  const numbers = [...all.matchAll(/^ {2}(?:must|should|note) +(.*)$/gm)].flatMap(([, list]) => list!.split(' '));
  assert.equal(numbers.length, requirementIds.length);
  assert.ok(all.split('\n').length < 80);
  assert.equal(explain('CL-SIG').split('\n').length, 19);
  assert.equal(explain('probes').split('\n').length, 50);
});

test('lines fit a terminal, except for links', () => {
  const texts = [undefined, 'probes', ...areaNames, ...requirementIds, ...probeIds].map(explain);
  const wide = texts.flatMap((text) => text.split('\n')).filter((line) => line.length > 100 && !/https:/.test(line));
  assert.deepEqual(wide, []);
});

test('an unknown id is a mistake of the user that names the nearest one', async () => {
  const mistakes: [string, RegExp][] = [
    ['CL-GNAP-71', /^no requirement or probe has the id CL-GNAP-71; did you mean CL-GNAP-\d1\?$/],
    ['CL-GNP-17', /did you mean CL-GNAP-17\?/],
    ['P77', /did you mean P\d7\?/],
    ['finish-hash-wrnog', /did you mean finish-hash-wrong\?/],
    ['toString', /has the id toString; touchstone explain lists all ids$/],
  ];
  for (const [id, says] of mistakes) {
    const isExpected = (error: Error) => error instanceof ConfigError && says.test(error.message);
    await assert.rejects(runCommand(['explain', id], {}), isExpected, id);
    await assert.rejects(runCommand(['explain', id, '--json'], {}), isExpected, id);
  }
});

test('the command takes one id and its own options, in any order', () => {
  assert.deepEqual(parseConfig('explain', [], {}).operands, []);
  assert.deepEqual(parseConfig('explain', ['--json', 'P01'], {}).operands, ['P01']);
  assert.equal(parseConfig('explain', ['P01', '--json'], {}).json, true);
  assert.throws(() => parseConfig('explain', ['P01', 'P02'], {}), /unexpected argument 'P02'; .* takes one ID/);
  assert.throws(() => parseConfig('explain', ['--seed', '1'], {}), /unknown option --seed/);
  assert.deepEqual(parseConfig('explain', ['exchange', '12', '--port', '1'], {}).operands, ['exchange', '12']);
  assert.throws(() => parseConfig('explain', ['exchange', '12', '13'], {}), /unexpected argument '13'/);
  assert.throws(() => parseConfig('ledger', ['P01'], {}), /unexpected argument 'P01'/);
});

test('JSON has the same content, with links', () => {
  const all = describe() as { requirements: { id: string }[]; probes: { id: string }[] };
  assert.deepEqual(
    all.requirements.map(({ id }) => id),
    requirementIds,
  );
  assert.deepEqual(
    all.probes.map(({ id }) => id),
    probeIds,
  );
  const { references, ...rest } = requirements['CL-KEY-09'];
  assert.deepEqual(describe('CL-KEY-09'), {
    id: 'CL-KEY-09',
    area: 'Keys',
    ...rest,
    references: [{ citation: references[0], url: 'https://www.rfc-editor.org/rfc/rfc7517#section-5' }],
    probes: ['P48'],
  });
  assert.deepEqual(describe('P41'), { id: 'P41', ...probes.P41, seconds: 30 });
});

test('the command loads the catalogue and nothing heavier', () => {
  const loaded = new Set<string>();
  const visit = (file: string): void => {
    if (loaded.has(file)) return;
    loaded.add(file);
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, isType, target] of text.matchAll(/^import (type )?[^;]*?from '([^']+)';/gm)) {
      if (isType) continue;
      assert.match(target!, /^\./, `${file} loads ${target}`);
      visit(join(dirname(file), target!));
    }
  };
  visit('src/cli/explain.ts');
  // Tables of routes and error codes are small.
  const light =
    /^(src\/(grade\/|errors\.ts|cli\/explain(-reply)?\.ts|http\/negative-replies\.ts|report\/field\.ts)|generated\/[a-z-]+\/(errors|routes)\.ts)/;
  const foreign = [...loaded].filter((file) => !light.test(file));
  assert.deepEqual(foreign, []);
  assert.ok(loaded.size > 15);
});
