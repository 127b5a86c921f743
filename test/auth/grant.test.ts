/** The state machine of a grant (LIM-01, AS-N02). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GrantState, stateAfter, type Transition, transitions } from '../../src/auth/grant.ts';
import { stateColumns } from '../../src/auth/grant-rows.ts';

const legal: Record<GrantState, Partial<Record<Transition, GrantState>>> = {
  pending: { approve: 'approved', reject: 'rejected', revoke: 'revoked' },
  approved: { issue: 'issued', revoke: 'revoked' },
  issued: { revoke: 'revoked' },
  rejected: { revoke: 'revoked' },
  revoked: {},
};

for (const [state, after] of Object.entries(legal) as [GrantState, Partial<Record<Transition, GrantState>>][]) {
  for (const transition of Object.keys(transitions) as Transition[]) {
    test(`${state} + ${transition} → ${after[transition] ?? 'illegal'}`, () => {
      assert.equal(stateAfter(state, transition), after[transition]);
    });
  }
}

test('no transition leads back to a state that can be issued', () => {
  const final: GrantState[] = ['issued', 'rejected', 'revoked'];
  for (const { from, to } of Object.values(transitions)) {
    if (from.some((state) => final.includes(state))) assert.ok(final.includes(to));
  }
});

test('final states share one value in the row, with the reason in another column', () => {
  assert.deepEqual(stateColumns('pending'), { state: 'pending', finalization: null });
  assert.deepEqual(stateColumns('approved'), { state: 'approved', finalization: null });
  assert.deepEqual(stateColumns('rejected'), { state: 'finalized', finalization: 'rejected' });
});
