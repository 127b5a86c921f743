/** The READMEs of the SDK suites name what exists, and the outputs of test runners are read correctly. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { baselineReader } from '../../src/cli/grade/baseline-file.ts';
import { readBaseline } from '../../src/report/baseline.ts';
import { readWorldFile } from '../../src/world/definition/file.ts';
import { readCommands, type SuiteCounts, suites } from './suites.ts';

const root = join(import.meta.dirname, '..', '..');

for (const { name, heading, repository } of suites) {
  test(`the README of ${name} builds a pinned commit, and runs it in a world that is shipped`, async () => {
    const readme = await readFile(join(root, 'examples', name, 'README.md'), 'utf8');
    const { build, run } = readCommands(readme, heading);
    assert.match(build, new RegExp(`^git clone ${repository}$`, 'm'));
    assert.match(build, /^git checkout [0-9a-f]{40}$/m);
    const [, world = 'none'] = /--world (\S+)/.exec(run) ?? [];
    const { sender, client } = await readWorldFile(join(root, world));
    assert.ok(sender.path.startsWith('/') && client.keyId !== '');
    const [, baseline] = /--baseline \S+\/(examples\/\S+)/.exec(run) ?? [];
    if (baseline) assert.notEqual((await readBaseline(join(root, baseline), baselineReader)).length, 0);
    for (const [, program = ''] of run.matchAll(/node_modules\/touchstone\/(\S+)/g)) {
      assert.ok(existsSync(join(root, program)), program);
    }
  });
}

const outputs: Record<string, readonly [output: string, counts: SuiteCounts]> = {
  node: ['passed a\n3 passed, 1 failed, 0 skipped\n', { passed: 3, failed: 1, skipped: 0 }],
  go: [
    '=== RUN   TestA\n--- PASS: TestA (0.1s)\n--- PASS: TestB (0s)\n--- FAIL: TestC (0s)\n--- SKIP: TestD (0s)\n',
    { passed: 2, failed: 1, skipped: 1 },
  ],
  // The suite counts a test that it skips as passed.
  rust: [
    'Skipping test_a: no WebDriver\ntest a ... ok\n\ntest result: ok. 5 passed; 1 failed; 0 ignored; finished in 1s\n',
    { passed: 4, failed: 1, skipped: 1 },
  ],
  python: [
    'collected 9 items\n==== 2 failed, 5 passed, 1 skipped, 1 error in 0.45s ====\n',
    { passed: 5, failed: 3, skipped: 1 },
  ],
  php: ['27 passed, 0 failed, 1 skipped\n', { passed: 27, failed: 0, skipped: 1 }],
};

for (const { name, count } of suites) {
  test(`the results of ${name} are counted`, () => {
    const [output, counts] = outputs[name]!;
    assert.deepEqual(count(output), counts);
  });
}

test('a section with other blocks than to build and to run is refused', () => {
  const readme = '\n## Suite\n```sh\na\n```\n## Next\n```sh\nb\n```\n';
  assert.throws(() => readCommands(readme, 'Suite'), /the section “Suite” has 1 blocks of commands instead of two/);
});
