/** The formats of a report are valid, say what is wrong, and stay valid whatever text a client sends. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import Ajv4 from 'ajv-draft-04';
import { XmlDocument, type XmlElement, XsdValidator } from 'libxml2-wasm';
import { marked } from 'marked';
import { requirementIds } from '../../../src/grade/catalogue.ts';
import type { Report } from '../../../src/grade/report.ts';
import { reportFiles } from '../../../src/grade/reports/files.ts';
import { toJsonReport } from '../../../src/grade/reports/json.ts';
import { code } from '../../../src/report/markdown.ts';
import fc from '../../support/fast-check.ts';
import { forHostileReports, invisible } from './hostile.ts';
import { figures, hostileReport, passedReport, sampleReport } from './sample.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');

const schema = XsdValidator.fromDoc(XmlDocument.fromString(read('test', 'fixtures', 'schemas', 'junit-10.xsd')));

/** Fails if the text is not XML, or not valid. */
function parseJUnit(text: string): { names: string[]; find(xpath: string): string[] } {
  using document = XmlDocument.fromString(text);
  schema.validate(document);
  const find = (xpath: string): string[] => document.find(xpath).map((node) => node.content);
  const names = document
    .find('//testcase')
    .map((node) => (node as XmlElement).attr('name')!.value)
    .map((name) => name.split(' ')[0]!);
  return { names, find: (xpath) => find(xpath) };
}

test('JUnit: valid against its schema, one test case for each requirement and one for the run', () => {
  using document = XmlDocument.fromString(reportFiles['junit.xml'](sampleReport()));
  schema.validate(document);
  const names = (xpath: string): string[] =>
    document.find(xpath).map((node) => (node as XmlElement).attr('name')!.value.split(' ')[0]!);
  assert.deepEqual(names('//testcase').toSorted(), ['result', ...requirementIds].toSorted());
  assert.deepEqual(names('//testcase[failure]'), ['result', 'CL-SIG-16', 'CL-DIG-02', 'CL-GNAP-14']);
  assert.deepEqual(names('//testcase[skipped][system-out]'), ['CL-TOK-09'], 'the expected failure');
  assert.ok(names('//testcase[system-out]').includes('CL-GNAP-11'), 'a warning is not a failure');
  const total = document.find('/testsuites/@failures').map((node) => node.content);
  assert.deepEqual(total, ['4']);
  const [failure] = document.find("//testcase[starts-with(@name, 'CL-SIG-16')]/failure").map((node) => node.content);
  for (const part of ['rfc9421', '#13 ', 'charset=utf-8', 'byte 32', 'fix: ']) assert.ok(failure!.includes(part), part);
});

test('JUnit: a run that passed has no failures, and one that broke has an error', () => {
  assert.doesNotMatch(reportFiles['junit.xml'](passedReport()), /<(failure|error|skipped)/);
  const broken: Report = { ...sampleReport(), result: 'broken', exitCode: 2, reasons: ['the command did not start'] };
  const text = reportFiles['junit.xml'](broken);
  parseJUnit(text);
  assert.match(text, /<error message="the command did not start" type="broken">/);
});

test('JUnit: valid with hostile text', () => {
  forHostileReports((report) => {
    const text = reportFiles['junit.xml'](report);
    assert.doesNotMatch(text, invisible);
    assert.deepEqual(parseJUnit(text).names.toSorted(), ['result', ...requirementIds].toSorted());
  });
});

const validateJson = new Ajv({ allErrors: true, strict: false }).compile(
  JSON.parse(read('spec', 'ase', 'report.schema.json')),
);
const assertReport = (value: unknown): void =>
  assert.ok(validateJson(value), JSON.stringify(validateJson.errors?.slice(0, 3)));

test('JSON: valid against the published schema, with words and links of the catalogue', () => {
  for (const report of [sampleReport(), passedReport()]) assertReport(JSON.parse(reportFiles['report.json'](report)));
  const { summary, verdicts, probes } = toJsonReport(sampleReport());
  assert.deepEqual(summary.probes, { met: 2, judged: 3, total: 4 });
  assert.equal(summary.levels.must.judged - summary.levels.must.met, 4, 'three failures and an expected one');
  const failed = verdicts.find(({ id }) => id === 'CL-GNAP-14')!;
  assert.equal(failed.references[1]!.url, 'https://www.rfc-editor.org/rfc/rfc9635#section-4.2.3');
  assert.equal(verdicts.find(({ id }) => id === 'CL-TOK-09')!.standing, 'expected');
  assert.deepEqual(probes[0]!.judges, ['CL-GNAP-14']);
});

test('the schema rejects what is not a report', () => {
  const report = toJsonReport(sampleReport());
  for (const wrong of [
    { ...report, result: 'perfect' },
    { ...report, extra: 1 },
    { ...report, verdicts: [{ ...report.verdicts[0], id: 'SIG-01' }] },
    { ...report, exchanges: undefined },
  ]) {
    assert.equal(validateJson(JSON.parse(JSON.stringify(wrong))), false);
  }
});

test('JSON and NDJSON: hostile text survives and cannot hide', () => {
  forHostileReports((report) => {
    const text = reportFiles['report.json'](report);
    assert.doesNotMatch(text, /[^\P{Cc}\n]|\p{Cf}|\p{Cs}|[\p{Zl}\p{Zp}]/u);
    const value = JSON.parse(text);
    assertReport(value);
    assert.deepEqual(value, JSON.parse(JSON.stringify(toJsonReport(report))));
    const lines = reportFiles['exchanges.ndjson'](report).split(/[\n\r\u2028\u2029\u0085]/u);
    assert.equal(lines.pop(), '');
    const ofProbes = report.probes.flatMap(({ id: probe, runs }) =>
      runs.flatMap(({ round, exchanges }) => exchanges.map((exchange) => ({ probe, round, ...exchange }))),
    );
    assert.equal(ofProbes.length, 5);
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      JSON.parse(JSON.stringify([...report.exchanges, ...ofProbes])),
    );
  });
});

const validateSarif = new Ajv4.default({ allErrors: true, strict: false, validateFormats: false }).compile(
  JSON.parse(read('test', 'fixtures', 'schemas', 'sarif-2.1.0.json')),
);

function parseSarif(report: Report) {
  const log = JSON.parse(reportFiles['report.sarif'](report));
  const isValid: boolean = validateSarif(log);
  assert.ok(isValid, JSON.stringify(validateSarif.errors?.slice(0, 3)));
  return log.runs[0];
}

test('SARIF: valid against its schema; rules with links, results with the request at its line of the NDJSON file', () => {
  const report = sampleReport();
  const run = parseSarif(report);
  assert.equal(run.tool.driver.rules.length, requirementIds.length);
  for (const { helpUri } of run.tool.driver.rules) assert.match(helpUri, /^https:\/\//);
  const levels = run.results.map(({ ruleId, level }: { ruleId: string; level: string }) => `${ruleId} ${level}`);
  assert.deepEqual(levels, [
    'CL-SIG-16 error',
    'CL-DIG-02 error',
    'CL-GNAP-14 error',
    'CL-GNAP-11 warning',
    'CL-DIG-05 note',
    'CL-TOK-09 error',
  ]);
  const [first] = run.results;
  const { startLine } = first.locations[0].physicalLocation.region;
  const line = reportFiles['exchanges.ndjson'](report).split('\n')[startLine - 1]!;
  assert.equal(JSON.parse(line).id, 13);
  assert.equal(first.webRequest.target, '/outgoing-payments');
  assert.equal(first.webResponse.statusCode, 401);
  assert.deepEqual(run.results.at(-1).suppressions[0].status, 'accepted');
  assert.equal(run.results[0].ruleId, run.tool.driver.rules[run.results[0].ruleIndex].id);
});

test('SARIF: valid with hostile text, which has neither links nor placeholders', () => {
  forHostileReports((report) => {
    assert.doesNotMatch(reportFiles['report.sarif'](report), /[^\P{Cc}\n]|\p{Cf}|\p{Cs}/u);
    for (const { message } of parseSarif(report).results) {
      assert.doesNotMatch(message.text.replaceAll(/\\[[\]\\]|\{\{|\}\}/g, ''), /[[\]{}]/);
    }
  });
});

/** The elements that a Markdown processor makes, without the text between them. */
const elementsOf = (markdown: string): string[] => [
  ...new Set((marked.parse(markdown, { async: false, gfm: true }).match(/<[^>]*>/g) ?? []).map((tag) => tag)),
];

test('Markdown: counts, failures with reference, evidence and fix', () => {
  const text = reportFiles['summary.md'](sampleReport());
  for (const part of [
    '❌ Open Payments client: failed',
    `| ${figures('must').join(' of ')} | ${figures('should').join(' of ')} | ${figures('note').join(' of ')} | 2 of 3 | 1 | 1 | 9 of 18 | 32 % |`,
    '(https://www.rfc-editor.org/rfc/rfc9421#section-2.5)',
    'expected `sha-512=:Fj2`**`b`**`K4nZ7w==:`',
    'the rotation of tokens is being rewritten, see issue 210',
    'CL-WA-08 is met',
  ]) {
    assert.ok(text.includes(part), `${part} in ${text}`);
  }
  assert.match(reportFiles['summary.md'](passedReport()), /^## ✅/);
});

test('Markdown: hostile text makes no element, link or mention', () => {
  const harmless = new Set([...elementsOf(reportFiles['summary.md'](hostileReport('x'))), '<strong>', '</strong>']);
  const columns = (text: string): string =>
    String([...marked.parse(text, { async: false }).matchAll(/<t[hd]/g)].length);
  const cells = columns(reportFiles['summary.md'](hostileReport('x')));
  forHostileReports((report) => {
    const text = reportFiles['summary.md'](report);
    assert.doesNotMatch(text, invisible);
    assert.deepEqual(
      elementsOf(text).filter((tag) => !harmless.has(tag)),
      [],
    );
    assert.equal(columns(text), cells);
    assert.ok(Buffer.byteLength(text) < 2 ** 20);
  });
});

test('a code span contains the text and nothing else', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ab` ]{0,12}$/), (text) => {
      const [, shown] = /^<p><code>([^<]*)<\/code><\/p>\n$/.exec(marked.parse(code(text), { async: false }))!;
      assert.equal(shown!.trim(), text.trim());
    }),
  );
});

test('badge: the format of an endpoint of shields.io', () => {
  assert.deepEqual(JSON.parse(reportFiles['badge.json'](sampleReport())), {
    schemaVersion: 1,
    label: 'Open Payments 1.3.0',
    message: `must ${figures('must').join('/')}, should ${figures('should').join('/')}`,
    color: 'red',
    isError: true,
  });
  assert.equal(JSON.parse(reportFiles['badge.json'](passedReport())).color, 'brightgreen');
  const nothing = { ...passedReport(), result: 'failed' as const, verdicts: [] };
  assert.equal(JSON.parse(reportFiles['badge.json'](nothing)).message, 'nothing exercised');
});
