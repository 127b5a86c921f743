/**
 * Documents in which an operation was added, a member of a response renamed and a status removed: they are generated,
 * the compiler names the handlers, and the suite names the responses. Needs Java; `make generate-test` runs it.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { dump } from 'js-yaml';
import { type GenerationConfig, readSource, upstreamDirectory } from '../../codegen/source.ts';
import type { CheckReport } from '../../conformance/runner/conclusion.ts';
import { type StartedTarget, startTarget } from '../../conformance/runner/start-target.ts';

const root = join(import.meta.dirname, '../..');
const config = JSON.parse(readFileSync(join(root, 'codegen.config.json'), 'utf8')) as GenerationConfig;

/** A copy of the project whose `generated/` comes from the changed documents. */
const copy = mkdtempSync(join(tmpdir(), 'touchstone-changed-'));
const specifications = join(copy, 'changed');
after(() => rmSync(copy, { recursive: true, force: true }));

const copied = ['src', 'spec', 'codegen', 'conformance', 'generated', 'docs', 'bin', 'examples', 'package.json'];

function writeSpecifications(): void {
  mkdirSync(specifications);
  for (const [name, entry] of Object.entries(config.documents)) {
    if (entry.upstream === undefined) continue;
    const { document } = readSource(root, name, entry, upstreamDirectory(root, config, undefined), '');
    // biome-ignore lint/suspicious/noExplicitAny: a document is navigated by many names.
    if (name === 'resource-server') changeResourceServer(document as any);
    writeFileSync(join(specifications, entry.upstream), dump(document));
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a document is navigated by many names.
function changeResourceServer({ paths, components: { schemas } }: any): void {
  const content = { 'application/json': { schema: { type: 'object', properties: { total: { type: 'integer' } } } } };
  const responses = { 200: { description: 'receipts', content } };
  paths['/receipts'] = {
    get: { operationId: 'list-receipts', summary: 'List receipts', tags: ['receipt'], responses },
  };
  const { properties, required } = schemas.quote;
  properties.sendAmount = properties.debitAmount;
  delete properties.debitAmount;
  required.splice(required.indexOf('debitAmount'), 1, 'sendAmount');
  delete paths['/quotes'].post.responses[403];
}

/** Runs Node in the copy. */
function run(args: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const env = { ...process.env, ...variables };
  return spawnSync(process.execPath, args, { cwd: copy, env, encoding: 'utf8', timeout: 240_000 });
}

before(() => {
  for (const name of [...copied, 'codegen.config.json', 'openapitools.json', 'tsconfig.json']) {
    const isOurs = (path: string) => !path.includes('node_modules');
    cpSync(join(root, name), join(copy, name), { recursive: true, filter: isOurs });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  writeSpecifications();
});

test('they are generated', () => {
  const { status, stderr } = run(['codegen/generate.ts'], { SPEC_DIR: specifications });
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^changed: .*resource-server\/routes\.ts/m);
});

test('the compiler names each handler', () => {
  writeFileSync(join(copy, 'tsconfig.copy.json'), JSON.stringify({ extends: './tsconfig.json', include: ['src'] }));
  const { stdout } = run(['node_modules/@typescript/native/bin/tsc', '-p', 'tsconfig.copy.json', '--pretty', 'false']);
  const files = [...stdout.matchAll(/^(\S+)\(\d+,\d+\): error/gm)].map((match) => match[1]);
  assert.deepEqual([...new Set(files)].sort(), [
    'src/resource/problem.ts',
    'src/resource/quote.ts',
    'src/resource/server.ts',
  ]);
  assert.match(stdout, /^src\/resource\/server\.ts.*\n +Property ''list-receipts'' is missing/m);
  assert.match(stdout, /^src\/resource\/quote\.ts.*'debitAmount' does not exist/m);
  assert.match(stdout, /^src\/resource\/problem\.ts.*'403' is not assignable/m);
});

describe('the suite names each response of the server that follows the documents as they were', () => {
  let target: StartedTarget;
  before(async () => {
    target = await startTarget();
  });
  after(() => target.stop());

  test('of the added operation, with the renamed member and with the removed status', () => {
    const file = join(copy, 'report.json');
    const checks = '^(declared\\.(list-receipts-200|get-quote-200)|resource\\.create-quote-insufficient)$';
    const args = ['conformance/runner/main.ts', '--own', '--json', file, '--only', checks];
    const { status, stdout, stderr } = run(args, target.variables);
    assert.equal(status, 1, stdout + stderr);
    const report = JSON.parse(readFileSync(file, 'utf8')) as CheckReport;
    const failuresOf = (id: string) => JSON.stringify(report.checks.find((check) => check.id === id)?.failures);
    assert.match(failuresOf('declared.list-receipts-200'), /no request of list-receipts is known: add one to conf/);
    assert.match(failuresOf('declared.get-quote-200'), /get-quote answered 200 .* must have .* 'sendAmount'/);
    assert.match(failuresOf('answers.match-documents'), /status 403 is not declared for create-quote/);
  });
});
