/** Each answer that the documents declare is given: one check for each operation and status. */
import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { declaredAnswers, findProvocation, specialWorld } from '../../steps/declared-answers.ts';
import { inNewWorld } from '../../steps/world.ts';

export const checks: readonly Check[] = declaredAnswers.map(({ operation, status }) => ({
  id: `declared.${operation}-${status}`,
  rows: ['CT-09'],
  title: `${operation} answers ${status} when it must`,
  async run(context) {
    const { provoke, isSpecial } = findProvocation(operation, status);
    const send = async (world: typeof context) => {
      const answer = await world.call(await provoke(world));
      assert.equal(answer.status, status);
    };
    await (isSpecial ? inNewWorld(context, { definition: specialWorld }, send) : send(context));
  },
}));
