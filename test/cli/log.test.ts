/** `touchstone log`: each request once, in order, in lines that no client can forge. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followLog } from '../../src/cli/log.ts';

const exchange = (id: number, more: object = {}) => ({
  id,
  at: '2026-11-27T02:03:04.567Z',
  ase: 'granite',
  operation: 'create-quote',
  method: 'POST',
  target: '/quotes',
  status: 201,
  ms: 1.5,
  lenient: [],
  ...more,
});

/** The lines of a log whose readings have these answers. */
async function follow(readings: readonly object[][], json = false) {
  const paths: string[] = [];
  const lines: string[] = [];
  const read = async (path: string) => ({ exchanges: readings[paths.push(path) - 1] });
  await followLog(
    { read },
    { json },
    (line) => void lines.push(line),
    async () => paths.length < readings.length,
  );
  return { paths, lines };
}

test('the newest requests first, then those after the last one, also after a silence', async () => {
  const { paths, lines } = await follow([[exchange(7), exchange(8)], [], [exchange(9)], []]);
  assert.deepEqual(paths, [
    '/exchanges?limit=20',
    '/exchanges?after=8&limit=1000',
    '/exchanges?after=8&limit=1000',
    '/exchanges?after=9&limit=1000',
  ]);
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['#7', '#8', '#9'],
  );
  assert.equal(lines[0], '#7 02:03:04.567 granite create-quote 201 1.5 ms  POST /quotes');
});

test('a refusal, a fault, a leniency and a lost answer are said; controls of a terminal are not sent', async () => {
  const refusal = { code: 'invalid_signature', reason: 'signature_mismatch' };
  const more = { refusal, fault: 'cut', lenient: ['alg_parameter'], status: null, target: '/a\u001b[2J\nb' };
  const { lines } = await follow([[exchange(1, more)]]);
  assert.equal(
    lines[0],
    '#1 02:03:04.567 granite create-quote no answer 1.5 ms  POST /a\ufffd[2J\ufffdb  invalid_signature (signature_mismatch)  fault cut  tolerated alg_parameter',
  );
});

test('--json prints what the control API says', async () => {
  const { lines } = await follow([[exchange(1)]], true);
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    [exchange(1)],
  );
});
