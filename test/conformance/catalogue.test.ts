// The catalogue and the checks as data: ids, levels, references, and no check of a row that does not exist.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { checks } from '../../conformance/checks/index.ts';
import { levels, readRequirements } from '../../conformance/runner/requirements.ts';

const rows = readRequirements();
const sections = 'WA AS LIM INT SIG RS RS-IP RS-L RS-Q RS-OP RS-G ILP SET EVT CT VER AMB'.split(' ');

function twice(ids: readonly string[]): string[] {
  return ids.filter((id, index) => ids.indexOf(id) !== index);
}

test('the catalogue holds every requirement once', () => {
  assert.equal(rows.length, 506);
  assert.deepEqual(twice(rows.map((row) => row.id)), []);
  assert.deepEqual(new Set(rows.map((row) => row.id.replace(/-N?\d+b?$/, ''))), new Set(sections));
});

test('each row has a legal level, a statement of one sentence and a reference', () => {
  for (const row of rows) {
    const { test: shownBy, ...members } = row;
    assert.deepEqual(Object.keys(members).sort(), ['id', 'level', 'reference', 'statement'], row.id);
    if (shownBy)
      assert.match(readFileSync(shownBy, 'utf8'), new RegExp(`\\b${row.id}\\b`), `${shownBy} names ${row.id}`);
    assert.ok(levels.includes(row.level), `${row.id}: level ${row.level}`);
    assert.ok(row.statement.length > 10 && !row.statement.includes('\n'), `${row.id}: statement`);
    assert.ok(row.reference.length > 2, `${row.id}: reference`);
  }
});

test('statements are not repeated', () => {
  assert.deepEqual(twice(rows.map((row) => row.statement)), []);
});

test('checks have ids of their own and name rows that exist', () => {
  const known = new Set(rows.map((row) => row.id));
  assert.deepEqual(twice(checks.map((check) => check.id)), []);
  for (const check of checks) {
    assert.match(check.id, /^[a-z-]+\.[a-z0-9-]+$/);
    assert.ok(check.rows.length > 0, `${check.id} names no row`);
    assert.deepEqual(
      check.rows.filter((row) => !known.has(row)),
      [],
      check.id,
    );
  }
});
