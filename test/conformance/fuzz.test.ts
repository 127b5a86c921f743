/** The findings of schemathesis: read from its report, and compared with the baseline. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { isExplained, readFindings, readKnownFindings } from '../../conformance/fuzz/findings.ts';

const base64 = (value: unknown) => ({ $base64: Buffer.from(JSON.stringify(value)).toString('base64') });

const scenario = (description: string, type = 'RejectedPositiveData') =>
  JSON.stringify({
    ScenarioFinished: {
      recorder: {
        label: 'POST /quotes',
        checks: {
          a: [
            { status: 'success' },
            {
              status: 'failure',
              failure_info: { failure: { type, title: 'Rejected', message: 'valid', operation: 'POST /quotes' } },
            },
          ],
        },
        interactions: {
          a: {
            request: { method: 'POST', uri: 'https://a.example/quotes', body: base64({ x: 1 }) },
            response: { status_code: 400, content: base64({ error: { description } }) },
          },
          b: { request: { method: 'GET', uri: 'https://a.example/' }, response: null },
        },
      },
    },
  });

test('different findings are read once each, with the description of the answer and an example', () => {
  const lines = ['{"Initialize":{}}', scenario('invalid amount'), scenario('invalid amount'), scenario('no receiver')];
  const nothingSent = JSON.stringify({ ScenarioFinished: { recorder: { label: 'x' } } });
  const { findings, requests } = readFindings([...lines, nothingSent, ''].join('\n'));
  assert.equal(requests, 6);
  assert.deepEqual(
    findings.map(({ operation, type, status, description, example }) => [
      operation,
      type,
      status,
      description,
      example,
    ]),
    ['invalid amount', 'no receiver'].map((description) => [
      ...['POST /quotes', 'RejectedPositiveData', 400, description],
      'POST https://a.example/quotes {"x":1}',
    ]),
  );
});

test('a finding is explained by its operation, type and description', () => {
  const [finding] = readFindings(scenario('invalid amount')).findings;
  const known = { operation: '*', type: 'RejectedPositiveData', interpretation: 'OPI-045' };
  assert.ok(isExplained(finding!, known));
  assert.ok(isExplained(finding!, { ...known, operation: 'POST /quotes', description: '^invalid amount$' }));
  assert.ok(!isExplained(finding!, { ...known, description: '^amount' }));
  assert.ok(!isExplained(finding!, { ...known, type: 'ServerError' }));
  assert.ok(!isExplained(finding!, { ...known, operation: 'GET /quotes' }));
  assert.ok(isExplained(finding!, { ...known, request: '^POST \\S+ \\{"x":1}$' }));
  assert.ok(!isExplained(finding!, { ...known, request: '^POST \\S+$' }));
});

test('every entry of the baseline names an interpretation that exists, and none explains a fault of the server', () => {
  const root = new URL('../../', import.meta.url);
  const interpretations = readFileSync(new URL('docs/interpretations.md', root), 'utf8');
  const entries = readKnownFindings(new URL('conformance/fuzz/baseline.yaml', root), interpretations);
  const never = ['ServerError', 'UndefinedStatusCode', 'JsonSchemaError', 'UndefinedContentType', 'CustomFailure'];
  assert.ok(entries.length > 0);
  assert.deepEqual(
    entries.filter(({ type }) => never.includes(type)),
    [],
  );
  const directory = mkdtempSync(join(tmpdir(), 'touchstone-fuzz-'));
  const file = join(directory, 'baseline.yaml');
  writeFileSync(file, '- {operation: GET /, type: IgnoredAuth, interpretation: OPI-999}');
  assert.throws(() => readKnownFindings(pathToFileURL(file), interpretations), /by OPI-999, which does not exist/);
  rmSync(directory, { recursive: true });
});
