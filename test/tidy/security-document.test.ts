/** Every check and test file that SECURITY.md names exists. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checks } from '../../conformance/checks/index.ts';

const root = join(import.meta.dirname, '..', '..');
const rows = readFileSync(join(root, 'SECURITY.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (---|Threat) /.test(line))
  .map((line) => line.slice(2, -2).split(' | '));

test('each threat has a measure and evidence', () => {
  assert.ok(rows.length > 60, `${rows.length} threats`);
  const threats = rows.map(([threat]) => threat);
  assert.deepEqual(threats, [...new Set(threats)]);
  for (const [threat, done, shown, ...more] of rows) {
    assert.equal(more.length, 0, threat);
    assert.match(done!, /\.$/, threat);
    assert.match(shown!, /^(–|`[^`]+`(, `[^`]+`)*)$/, threat);
  }
});

/** Sections of RFC 9635 §11, and of each part of RFC 9421 §7. */
const sections = [
  ...Array.from({ length: 38 }, (_, index) => `11.${index + 1}`),
  ...[2, 8, 7, 4, 8].flatMap((count, part) =>
    Array.from({ length: count }, (_, index) => `7.${part + 1}.${index + 1}`),
  ),
];

test('each section of both RFCs has one row, in order', () => {
  const numbers = rows.flatMap(([threat]) => /^\d+(?:\.\d+)+/.exec(threat!)?.[0] ?? []);
  assert.deepEqual(numbers, sections);
});

test('the checks and test files that it names exist', () => {
  const ids = new Set(checks.map(({ id }) => id));
  const named = rows.flatMap(([, , shown]) => [...shown!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
  assert.ok(named.length > 100);
  const isThere = (name: string): boolean => (name.startsWith('test/') ? existsSync(join(root, name)) : ids.has(name));
  assert.deepEqual(
    named.filter((name) => !isThere(name)),
    [],
  );
});
