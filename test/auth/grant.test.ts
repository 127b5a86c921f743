/** The state machine of a grant (LIM-01, AS-N02). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GrantState, stateAfter, stateColumns, type Transition, transitions } from '../../src/auth/grant.ts';

const legal: Record<GrantState, Partial<Record<Transition, GrantState>>> = {
  pending: { approve: 'approved', reject: 'rejected', revoke: 'revoked' },
  approved: { issue: 'issued', revoke: 'revoked' },
  issued: { revoke: 'revoked' },
  rejected: { revoke: 'revoked' },
  revoked: {},
};

for (const [state, after] of Object.entries(legal) as [GrantState, Partial<Record<Transition, GrantState>>][]) {
  for (const move of Object.keys(transitions) as Transition[]) {
    test(`${state} + ${move} → ${after[move] ?? 'refused'}`, () => {
      assert.equal(stateAfter(state, move), after[move]);
    });
  }
}

test('nothing leads back to a state in which a token can be had', () => {
  const final: GrantState[] = ['issued', 'rejected', 'revoked'];
  for (const { from, to } of Object.values(transitions)) {
    if (from.some((state) => final.includes(state))) assert.ok(final.includes(to));
  }
});

test('final states share one word in the row, with the reason beside it', () => {
  assert.deepEqual(stateColumns('pending'), { state: 'pending', finalization: null });
  assert.deepEqual(stateColumns('approved'), { state: 'approved', finalization: null });
  assert.deepEqual(stateColumns('rejected'), { state: 'finalized', finalization: 'rejected' });
});
