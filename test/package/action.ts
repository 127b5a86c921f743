/**
 * The action for GitHub: its scripts, run by Bash as a runner would, over a copy of the checkout in which only the
 * packages of the program are installed. Needs the npm registry; `make package-test` runs it.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { load } from 'js-yaml';

const root = join(import.meta.dirname, '..', '..');

interface Action {
  readonly inputs: Readonly<Record<string, { default?: string }>>;
  readonly outputs: Readonly<Record<string, { value: string }>>;
  readonly runs: {
    readonly steps: readonly {
      id?: string;
      if?: string;
      run?: string;
      uses?: string;
      env?: Readonly<Record<string, string>>;
      'working-directory'?: string;
      with?: Readonly<Record<string, string>>;
    }[];
  };
}
const action = load(readFileSync(join(root, 'action.yml'), 'utf8')) as Action;

let checkout: string;
let workspace: string;
before(() => {
  checkout = mkdtempSync(join(tmpdir(), 'touchstone-action-'));
  workspace = mkdtempSync(join(tmpdir(), 'touchstone-workspace-'));
  mkdirSync(join(workspace, 'nested'));
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const file of String(listed)
    .split('\n')
    .filter((name) => name !== '' && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(checkout, file)), { recursive: true });
    cpSync(join(root, file), join(checkout, file));
  }
});
after(() => {
  for (const directory of [checkout, workspace]) rmSync(directory, { recursive: true });
});

interface Ran {
  readonly status: number;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly printed: string;
  /** Names of the actions that the steps use, with their inputs. */
  readonly used: { readonly uses: string; readonly with: Readonly<Record<string, string>> }[];
}

/** The value of an expression of the action, which are simple paths. */
type Context = Readonly<Record<string, string | undefined>>;
const expand = (text: string, context: Context): string =>
  text.replaceAll(/\$\{\{ ([\w.-]+) \}\}/g, (_, path: string) => context[path] ?? '');

/** The environment of a runner, with its settings for the network: npm tries again for minutes if it lacks a certificate. */
const hostEnvironment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(TOUCHSTONE|NODE_TEST|NODE_OPTIONS)/.test(name)),
);

function runAction(inputs: Readonly<Record<string, string>>, files: Readonly<Record<string, string>> = {}): Ran {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(workspace, name), text);
  const summaryFile = join(workspace, 'summary');
  writeFileSync(summaryFile, '');
  const context: Record<string, string> = { 'github.action_path': checkout };
  for (const [name, input] of Object.entries(action.inputs)) {
    context[`inputs.${name}`] = inputs[name] ?? input.default ?? '';
  }
  const used: { uses: string; with: Record<string, string> }[] = [];
  let status = 0;
  let printed = '';
  for (const step of action.runs.steps) {
    if (step.uses !== undefined) {
      const named = Object.entries(step.with ?? {}).map(([name, value]) => [name, expand(String(value), context)]);
      used.push({ uses: step.uses, with: Object.fromEntries(named) });
      continue;
    }
    // GitHub skips the steps after one that failed.
    if (status !== 0) continue;
    const outputFile = join(workspace, 'output');
    writeFileSync(outputFile, '');
    const variables = Object.entries(step.env ?? {}).map(([name, value]) => [name, expand(value, context)]);
    const ran = spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', step.run!], {
      cwd: resolve(workspace, expand(step['working-directory'] ?? '', context)),
      env: {
        ...hostEnvironment,
        PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
        CI: 'true',
        GITHUB_OUTPUT: outputFile,
        GITHUB_STEP_SUMMARY: summaryFile,
        ...Object.fromEntries(variables),
      },
      encoding: 'utf8',
      timeout: 600_000,
    });
    status = ran.status ?? -1;
    printed += ran.stdout + ran.stderr;
    for (const [, name, value] of readFileSync(outputFile, 'utf8').matchAll(/^([\w-]+)=(.*)$/gm)) {
      context[`steps.${step.id}.outputs.${name}`] = value!;
    }
  }
  const outputs = Object.entries(action.outputs).map(([name, { value }]) => [name, expand(value, context)]);
  const summary = readFileSync(summaryFile, 'utf8');
  return { status, outputs: Object.fromEntries(outputs), summary, printed, used };
}

const client = `const answer = await fetch(process.env.TOUCHSTONE_WALLET_ADDRESS, { headers: { accept: 'application/json' } });
console.log('status', answer.status, process.argv[2]);\n`;

test('a client that passes: outputs, summary, reports to upload', () => {
  const command = 'node client.mjs "two words" && echo "$0"';
  const { status, outputs, summary, printed, used } = runAction(
    { command, profile: 'strict' },
    { 'client.mjs': client },
  );
  assert.equal(status, 0, printed);
  assert.match(printed, /status 200 two words\n/);
  assert.match(printed, /profile strict/);
  assert.equal(outputs['result'], 'passed');
  assert.match(outputs['must']!, /^([1-9]\d*)\/\1$/);
  assert.match(outputs['should']!, /^\d+\/\d+$/);
  assert.equal(outputs['report'], join(workspace, 'touchstone-report'));
  for (const name of ['report.html', 'junit.xml', 'report.sarif']) {
    assert.ok(existsSync(join(outputs['report']!, name)), name);
  }
  assert.match(summary, /^## ✅ Open Payments client: passed\n/);
  assert.deepEqual(used.at(-1)!.with['path'], outputs['report']);
  assert.ok(!existsSync(join(checkout, 'node_modules', 'typescript')), 'only the packages of the program');
});

test('a command that fails, further options and another directory: the step fails, and there is a report', () => {
  const { status, outputs, summary, printed } = runAction({
    command: 'node ../client.mjs; exit 3',
    'working-directory': 'nested',
    options: '--seed\n42\n\n--only\nCL-WA',
    report: 'reports of today',
  });
  assert.equal(status, 2, printed);
  assert.match(printed, /seed 42/);
  assert.equal(outputs['result'], 'broken');
  assert.equal(outputs['report'], join(workspace, 'nested', 'reports of today'));
  assert.match(summary, /exit code 3/);
});

test('an option that does not exist: no verdict, and no report of an earlier run', () => {
  const { status, outputs, printed } = runAction({ command: 'true', options: '--no-such-option' });
  assert.notEqual(status, 0);
  assert.match(printed, /no-such-option/);
  assert.deepEqual([outputs['result'], outputs['must']], ['broken', '0/0']);
});

test('a command that does nothing fails', () => {
  const { status, outputs, summary } = runAction({ command: 'true' });
  assert.equal(status, 1);
  assert.equal(outputs['result'], 'failed');
  assert.match(summary, /❌/);
});
