/** Each answer that the documents declare is given: one check for each operation and status. */
import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { declaredAnswers, expectDeclaredAnswer, findProvocation, specialWorld } from '../../steps/declared-answers.ts';
import { inNewWorld } from '../../steps/world.ts';

export const checks: readonly Check[] = declaredAnswers.map(({ operation, status }) => ({
  id: `declared.${operation}-${status}`,
  rows: ['CT-09'],
  title: `${operation} answers ${status} when it must, as its document says`,
  async run(context) {
    const { provoke, isSpecial, byFault } = findProvocation(operation, status);
    const send = async (world: typeof context) => {
      const call = await provoke(world);
      expectDeclaredAnswer(await world.call(call), status);
      if (!byFault) return;
      const again = await world.call(call);
      assert.notEqual(again.status, status, `without a fault, ${operation} also answers ${status}`);
    };
    await (isSpecial ? inNewWorld(context, { definition: specialWorld }, send) : send(context));
  },
}));
