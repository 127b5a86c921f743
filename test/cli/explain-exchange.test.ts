/** `touchstone explain exchange`: exchanges of a report, of the plain run and of the runs under probes. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { explainExchange } from '../../src/cli/explain-exchange.ts';
import { parseConfig } from '../../src/cli/parse-config.ts';
import { ConfigError } from '../../src/errors.ts';
import { renderJson } from '../../src/grade/reports/json.ts';
import { sampleReport } from '../grade/reports/sample.ts';

const sample = sampleReport();
let directory = '';
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'explain-'));
  writeFileSync(join(directory, 'report.json'), renderJson(sample));
});
after(() => rmSync(directory, { recursive: true }));

const explain = (id: string, ...args: string[]): Promise<string> =>
  explainExchange(
    parseConfig('explain', ['exchange', id, ...(args.length > 0 ? args : ['--report', directory])], {}),
    undefined,
  );

const probe = sample.probes.find(({ runs }) => runs.some(({ decisive }) => decisive.length > 0))!;
const run = probe.runs.find(({ decisive }) => decisive.length > 0)!;
const id = run.decisive.at(-1)!;
const ofProbe = run.exchanges.find((exchange) => exchange.id === id)!;

test('an exchange of the plain run, with its signature', async () => {
  const [first] = sample.exchanges;
  const text = await explain(`${first!.id}`);
  assert.ok(text.startsWith(`exchange ${first!.id}  ${first!.receivedAt}  ${first!.ase}  ${first!.operation}\n`), text);
  assert.ok(text.includes(first!.request.line));
  assert.deepEqual(
    JSON.parse(await explain(`${first!.id}`, '--json', '--report', directory)),
    JSON.parse(JSON.stringify(first)),
  );
});

test('an exchange of the run under a probe, by id or name, in any case, and by the number of the run', async () => {
  const wanted = JSON.parse(JSON.stringify(ofProbe));
  const number = probe.runs.indexOf(run) + 1;
  for (const text of [`${probe.id}/${id}`, `${probe.id.toLowerCase()}/${id}`, `${probe.id}.${number}/${id}`]) {
    assert.deepEqual(JSON.parse(await explain(text, '--json', '--report', directory)), wanted, text);
  }
});

test('a mistake of the user says what there is', async () => {
  const mistakes: [string, RegExp][] = [
    ['', /takes the number of an exchange, such as 12, or P01\/12/],
    ['0', /not '0'$/],
    ['P01/x', /not 'P01\/x'$/],
    ['999999', /^the report in .* has no exchange 999999, but 1, 2, /],
    [`${probe.id}/999999`, new RegExp(`has no exchange 999999 of ${probe.id}, but `)],
    [`${probe.id}.9/${id}`, /^the report in .* has no run 9 of P/],
    ['P77/1', /^the report in .* has no probe P77$/],
  ];
  for (const [text, says] of mistakes) {
    await assert.rejects(explain(text), (error) => error instanceof ConfigError && says.test(error.message), text);
  }
});

test('a directory without a report, and a file that is none', async () => {
  await assert.rejects(
    explain('1', '--report', join(directory, 'missing')),
    /report\.json cannot be read \(ENOENT\): name the directory of a report with --report, or a running world/,
  );
  for (const text of ['{', '{"exchanges":[]}', 'null']) {
    writeFileSync(join(directory, 'report.json'), text);
    await assert.rejects(explain('1'), /is not a report of touchstone grade$/, text);
  }
});
