/** The catalogue of requirements on clients is well formed, and its page shows it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { areaNames, idsOf, requirementIds, requirements } from '../../src/grade/catalogue.ts';
import { judgeProbe, type ProbeFacts, probeIds, probes, probesOf } from '../../src/grade/probes.ts';
import { linkTo } from '../../src/grade/references.ts';
import { levels } from '../../src/grade/requirement.ts';
import { pageFile, renewPage } from './requirements-page.ts';

const root = join(import.meta.dirname, '..', '..');
const rows = requirementIds.map((id) => ({ id, ...requirements[id] }));
const traps = probeIds.map((id) => ({ id, ...probes[id] }));

/** Keys with two spaces of indentation in the files of a folder: a duplicate would overwrite its namesake silently. */
function countKeys(folder: string): number {
  const path = join(root, 'src/grade', folder);
  const texts = readdirSync(path).map((name) => readFileSync(join(path, name), 'utf8'));
  return texts.flatMap((text) => text.match(/^ {2}'?[A-Z][A-Z0-9-]*'?: \{$/gm) ?? []).length;
}

test('ids are unique and without gaps', () => {
  for (const area of areaNames) {
    const expected = idsOf(area).map((_, i) => `${area}-${String(i + 1).padStart(2, '0')}`);
    assert.deepEqual(idsOf(area), expected);
  }
  assert.equal(areaNames.flatMap(idsOf).length, rows.length);
  assert.equal(countKeys('requirements'), rows.length);
  assert.deepEqual(
    probeIds,
    probeIds.map((_, i) => `P${String(i + 1).padStart(2, '0')}`),
  );
  assert.equal(countKeys('probes'), traps.length);
  assert.equal(new Set(traps.map(({ name }) => name)).size, traps.length);
  for (const { name } of traps) assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
});

test('the catalogue has the rows and probes that were announced', () => {
  const counts = levels.map((level) => rows.filter((row) => row.level === level).length);
  assert.deepEqual([...counts, traps.length], [93, 38, 18, 49]);
});

test('texts are sentences of bounded length', () => {
  const texts = [
    ...rows.flatMap(({ id, title, statement, why, levelReason, observed, fix, broken }) => [
      { id, title, sentences: { statement, why, levelReason, observed, fix, broken } },
    ]),
    ...traps.map(({ id, title, server, armed, reached, forbidden, required, lawful, caution }) => ({
      id,
      title,
      sentences: { server, armed, reached, forbidden, required, lawful, caution },
    })),
  ];
  const wrong = texts.flatMap(({ id, title, sentences }) => [
    ...(title.length > 60 || /\.$/.test(title) ? [`${id} title`] : []),
    ...Object.entries(sentences)
      .filter(([, text]) => text !== undefined)
      .filter(([, text]) => text!.length > 200 || !/^[A-Z0-9`].{5,}[.]$/.test(text!) || /\.\s+[A-Z]/.test(text!))
      .map(([member]) => `${id} ${member}`),
  ]);
  assert.deepEqual(wrong, []);
});

test('no statement or title occurs twice', () => {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, ' ');
  for (const texts of [
    [...rows, ...traps].map(({ title }) => title),
    rows.map(({ statement }) => statement),
    traps.map(({ server }) => server),
  ]) {
    const twice = texts.map(plain).filter((text, i, all) => all.indexOf(text) !== i);
    assert.deepEqual(twice, []);
  }
});

test('each requirement can be observed, and each probe judges requirements that name probes', () => {
  for (const { id, evidence } of rows) {
    assert.ok(evidence.length > 0, id);
    assert.equal(evidence.includes('probe'), probesOf(id).length > 0, id);
    assert.equal(new Set(evidence).size, evidence.length, id);
  }
  for (const { id, judges } of traps) assert.ok(judges.length > 0 && new Set(judges).size === judges.length, id);
});

test('the level of `compat` is weaker', () => {
  for (const { id, level, compat } of rows)
    if (compat) assert.ok(levels.indexOf(compat) > levels.indexOf(level), `${id}: ${compat}`);
});

test('a probe that wants silence has a forbidden request, one that wants progress a required one', () => {
  for (const { id, deadline, forbidden, required, mustEnd } of traps) {
    if (deadline === 'go') assert.ok(required, id);
    else assert.ok(required === undefined && (forbidden ?? mustEnd), id);
  }
});

test('references are links to sections, and to operations of the Open Payments documents', () => {
  const directory = join(root, 'node_modules/@interledger/open-payments/dist/openapi/specs');
  const operations = new Set(
    readdirSync(directory).flatMap((name) => {
      const { paths } = load(readFileSync(join(directory, name), 'utf8')) as { paths: Record<string, object> };
      return Object.values(paths).flatMap((item) =>
        Object.values(item).map(({ operationId }) => `Open Payments ${name.replace('.yaml', '')} ${operationId}`),
      );
    }),
  );
  for (const { id, references } of rows) {
    assert.ok(references.length > 0 && new Set(references).size === references.length, id);
    for (const citation of references) {
      assert.match(linkTo(citation), /^https:\/\/[^\s]+$/, id);
      if (/^Open Payments .*-server /.test(citation)) assert.ok(operations.has(citation), `${id}: ${citation}`);
    }
  }
  assert.equal(linkTo('RFC 9635 §4.2.3'), 'https://www.rfc-editor.org/rfc/rfc9635#section-4.2.3');
  assert.throws(() => linkTo('RFC 9635'), /unknown form/);
});

test('docs/client-requirements.md shows the catalogue', () => {
  const page = readFileSync(pageFile, 'utf8');
  assert.ok(page.includes('CL-SIG-01'));
  assert.equal(page, renewPage(page), 'run node test/grade/requirements-page.ts');
});

const silent: ProbeFacts = {
  controlPassed: true,
  armed: true,
  reached: true,
  forbiddenSeen: false,
  requiredSeen: false,
  killed: false,
  serverFault: false,
};

test('the facts of a trap decide its result', () => {
  const { P01: stop, P05: go, P33: ending } = probes;
  assert.equal(judgeProbe(stop, silent), 'pass');
  assert.equal(judgeProbe(stop, { ...silent, killed: true }), 'pass');
  assert.equal(judgeProbe(stop, { ...silent, forbiddenSeen: true }), 'fail');
  assert.equal(judgeProbe(go, silent), 'fail');
  assert.equal(judgeProbe(go, { ...silent, requiredSeen: true }), 'pass');
  assert.equal(judgeProbe(go, { ...silent, requiredSeen: true, forbiddenSeen: true }), 'fail');
  assert.equal(judgeProbe(ending, { ...silent, killed: true }), 'fail');
});

test('a client that does nothing, or stops early, passes no probe', () => {
  for (const probe of traps) {
    for (const missing of ['controlPassed', 'armed', 'reached'] as const)
      assert.equal(judgeProbe(probe, { ...silent, requiredSeen: true, [missing]: false }), 'not-exercised');
    assert.equal(judgeProbe(probe, { ...silent, forbiddenSeen: true, serverFault: true }), 'inconclusive');
  }
});
