/** Requirements and checks as data: ids, levels, links, and where each check is found. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkFiles, checks } from '../../conformance/checks/index.ts';
import { properties } from '../../conformance/properties/index.ts';
import { readFigures } from '../../conformance/runner/announcement.ts';
import type { Check } from '../../conformance/runner/check.ts';
import { linkTo } from '../../conformance/runner/references.ts';
import { levels, readRequirements } from '../../conformance/runner/requirements.ts';

const rows = readRequirements();
const sections = 'WA AS LIM INT SIG RS RS-IP RS-L RS-Q RS-OP RS-G ILP SET EVT CT VER AMB'.split(' ');

function twice(ids: readonly string[]): string[] {
  return ids.filter((id, index) => ids.indexOf(id) !== index);
}

test('each requirement is listed once', () => {
  assert.equal(rows.length, 516);
  assert.deepEqual(twice(rows.map((row) => row.id)), []);
  assert.deepEqual(new Set(rows.map((row) => row.id.replace(/-N?\d+b?$/, ''))), new Set(sections));
});

test('each row has a legal level, a statement of one sentence and references that are links', () => {
  for (const row of rows) {
    const { test: shownBy, ...members } = row;
    assert.deepEqual(Object.keys(members).sort(), ['id', 'level', 'references', 'statement'], row.id);
    if (shownBy)
      assert.match(readFileSync(shownBy, 'utf8'), new RegExp(`\\b${row.id}\\b`), `${shownBy} names ${row.id}`);
    assert.ok(levels.includes(row.level), `${row.id}: level ${row.level}`);
    assert.ok(row.statement.length > 10 && !row.statement.includes('\n'), `${row.id}: statement`);
    assert.ok(row.references.length > 0, `${row.id}: references`);
    for (const reference of row.references) assert.ok(linkTo(reference).length > 0, row.id);
  }
});

test('statements are not repeated', () => {
  assert.deepEqual(twice(rows.map((row) => row.statement)), []);
});

test('check ids are unique, and checks name rows that exist', () => {
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

test('references are links', () => {
  assert.equal(linkTo('RFC 9635 §5.1'), 'https://www.rfc-editor.org/rfc/rfc9635#section-5.1');
  assert.equal(linkTo('Open Payments docs: concepts/auth'), 'https://openpayments.dev/concepts/auth/');
  assert.equal(linkTo('https://example.org/x'), 'https://example.org/x');
  assert.equal(linkTo('project policy'), 'docs/interpretations.md');
  assert.equal(linkTo('OPI-001'), 'docs/interpretations.md#opi-001-closed-objects-behind-a-reference');
  assert.throws(() => linkTo('OPI-999'), /OPI-999/);
  assert.throws(() => linkTo('a book'), /a book/);
});

/** Ids of recorded requests, which are checks as well. */
const vectors = readFileSync('conformance/vectors/signatures.json', 'utf8');

test('an id is found in the folder of its area, written out', async () => {
  for (const file of checkFiles) {
    const path = `conformance/checks/${file}`;
    const text = readFileSync(path, 'utf8');
    const area = file.split('/').at(-2);
    const { checks: some }: { checks: readonly Check[] } = await import(`../../${path}`);
    assert.ok(some.length > 0, `${path} has checks`);
    for (const { id } of some) {
      assert.equal(id.split('.')[0], area, `${id} is in ${path}`);
      // One check for each declared answer is made from the documents.
      if (area === 'declared') continue;
      assert.ok(text.includes(`'${id}'`) || vectors.includes(`"id": "${id}"`), `${id} is written out in ${path}`);
    }
  }
});

test('each check and property was measured', () => {
  const measured = Object.keys(readFigures());
  const ids = [...checks, ...properties].map(({ id }) => id);
  assert.deepEqual(measured.sort(), ids.sort(), 'node conformance/figures.ts measures them again');
});
