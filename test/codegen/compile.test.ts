/**
 * The generated handler types: each kind of wrong handler is a compiler error at the right line.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const fixtures = join(root, 'test/fixtures/compile');
const scratch = mkdtempSync(join(tmpdir(), 'touchstone-compile-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** Expected compiler errors by fixture, as `line code`. */
function compileFixtures(): Map<string, string[]> {
  const config = join(scratch, 'tsconfig.json');
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { typeRoots: [join(root, 'node_modules/@types')] },
      include: [fixtures, join(root, 'src/database/fs-native-extensions.d.ts')],
      exclude: [],
    }),
  );
  const tsc = join(root, 'node_modules/@typescript/native/bin/tsc');
  const run = spawnSync(process.execPath, [tsc, '-p', config, '--pretty', 'false'], { cwd: root, encoding: 'utf8' });
  const errors = new Map<string, string[]>();
  for (const [, file, line, code] of run.stdout.matchAll(/^(\S+?)\((\d+),\d+\): error (TS\d+):/gm)) {
    const name = file!.replace(/^.*\//, '');
    errors.set(name, [...(errors.get(name) ?? []), `${line} ${code}`]);
  }
  return errors;
}

test('each wrong handler fails with the expected error, and no other', () => {
  assert.deepEqual(Object.fromEntries([...compileFixtures()].sort()), {
    'illegal-error-code.fixture.ts': ['5 TS2322'],
    'missing-handler.fixture.ts': ['9 TS1360'],
    'removed-status.fixture.ts': ['16 TS1360', '17 TS1360', '18 TS1360'],
    'surplus-handler.fixture.ts': ['7 TS2353'],
    'undeclared-status.fixture.ts': ['5 TS2322'],
    'wrong-body.fixture.ts': ['5 TS2322'],
  });
  assert.ok(readdirSync(fixtures).includes('good.fixture.ts'));
});
