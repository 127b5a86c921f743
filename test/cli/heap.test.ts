/** The bound of V8's space of new objects, in a process that replaces many objects, turn by turn. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const module = join(import.meta.dirname, '..', '..', 'src', 'cli', 'heap.ts');
const script = (setUp: string) => `
  import { setImmediate as turn } from 'node:timers/promises';
  import { getHeapSpaceStatistics } from 'node:v8';
  import { boundHeap } from ${JSON.stringify(module)};
  ${setUp}
  let kept = [];
  for (let turns = 0; turns < 200; turns += 1) {
    kept = Array.from({ length: 50_000 }, (_, index) => ({ index }));
    await turn();
  }
  console.log(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 1024 ** 2);`;

const measureNewSpace = (setUp: string): number =>
  Number(execFileSync(process.execPath, ['--input-type=module', '--eval', script(setUp)], { encoding: 'utf8' }));

test('the space of new objects stays bounded, with room for one collection that is noticed late', () => {
  assert.ok(measureNewSpace('boundHeap().whenLoaded();') <= 32);
});

test('while the program is loaded, it does not grow at all', () => {
  assert.ok(measureNewSpace('boundHeap();') <= 4);
});
