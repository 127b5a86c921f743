/**
 * `node --test test/mutants/names.ts`, a part of `make lint`. Every replacement is code that can run. One with a wrong name throws when it is reached, and each check would fail
 * for that reason. Types may differ, as many a mutant breaks a rule that types express.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { mutants } from './index.ts';
import { instrument, placesOf } from './mutant.ts';

const root = join(import.meta.dirname, '..', '..');

/** Syntax errors, and names that are not in scope. */
const cannotRun = /error TS(1\d{3}|2304|2552|2503|18004|2663|2448|2454):/;

test('no replacement uses a name that is not in scope', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'mutants-'));
  t.after(() => rm(directory, { recursive: true }));
  for (const name of ['src', 'generated', 'package.json'])
    await cp(join(root, name), join(directory, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
  for (const [file, places] of Map.groupBy(placesOf(mutants), (place) => place.file))
    await writeFile(join(directory, file), instrument(await readFile(join(root, file), 'utf8'), places));
  // The compiler is seen to find one.
  const damaged = 'declare global { var touchstoneMutant: string | undefined; }\nexport const damaged = noSuchName;\n';
  await writeFile(join(directory, 'src', 'damaged.ts'), damaged);
  const { compilerOptions } = JSON.parse(await readFile(join(root, 'tsconfig.json'), 'utf8'));
  // Neither unused names nor declarations matter.
  const unneeded = { noUnusedLocals: false, noUnusedParameters: false, declaration: false };
  const config = { compilerOptions: { ...compilerOptions, ...unneeded }, include: ['src', 'generated'] };
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(config));

  const compiler = join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc');
  const output = await new Promise<string>((resolve) => {
    // Several threads would each check the types of the libraries.
    execFile(
      process.execPath,
      [compiler, '--singleThreaded', '-p', directory],
      { maxBuffer: 2 ** 26 },
      (_error, stdout) => resolve(stdout),
    );
  });
  const errors = output.split('\n').filter((line) => cannotRun.test(line));
  assert.deepEqual(
    errors.map((line) => /damaged\.ts.*/.exec(line)?.[0] ?? line),
    ["damaged.ts(2,24): error TS2304: Cannot find name 'noSuchName'."],
  );
});
