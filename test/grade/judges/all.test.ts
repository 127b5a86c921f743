/** Each requirement has a judge exactly if a plain run can decide it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requirementIds, requirements } from '../../../src/grade/catalogue.ts';
import { decidedByProbe } from '../../../src/grade/judge.ts';
import { judges } from '../../../src/grade/judges.ts';

test('a judge has functions exactly if exchanges, the run or the output are evidence; else a probe decides', () => {
  const wrong = requirementIds.filter((id) => {
    const { evidence } = requirements[id];
    const judge = judges[id];
    const isPassive = evidence.some((each) => each === 'exchange' || each === 'run' || each === 'output');
    if (isPassive) return judge.exchange === undefined && judge.end === undefined;
    return judge !== decidedByProbe;
  });
  assert.deepEqual(wrong, []);
});

test('a requirement that the output decides is judged at the end', () => {
  const wrong = requirementIds.filter(
    (id) => requirements[id].evidence.includes('output') && judges[id].end === undefined,
  );
  assert.deepEqual(wrong, []);
});
