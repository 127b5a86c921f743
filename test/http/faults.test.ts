/** Faults on purpose (CT-06): which calls they strike. That answers suffer by them is checked over HTTP. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '../../src/errors.ts';
import { createFaults, type Fault, packetOperation } from '../../src/faults.ts';
import { isClientOperation } from '../../src/http/policy.ts';

const fault: Fault = { operation: 'create-quote', nth: 1, times: 1, kind: 'reset' };

test('a fault strikes its calls from the nth on, at its ASE only', () => {
  const faults = createFaults(isClientOperation);
  faults.add({ ...fault, nth: 2, times: 2, ase: 'granite' });
  const [here, elsewhere] = [faults.faultsOf('granite'), faults.faultsOf('marble')];
  const struck = [here, elsewhere, elsewhere, here, here, here].map((strike) => strike('create-quote')?.kind);
  assert.deepEqual(struck, [undefined, undefined, undefined, 'reset', 'reset', undefined]);
  assert.equal(here('get-quote'), undefined);
  assert.deepEqual(
    faults.list().map(({ struck: calls }) => calls),
    [2],
  );
});

test('the earliest of several strikes; the others count on', () => {
  const faults = createFaults(isClientOperation);
  faults.add({ ...fault, kind: 'garbage' });
  faults.add({ ...fault, nth: 2, kind: 'reset' });
  const strike = faults.faultsOf('granite');
  assert.deepEqual([strike('create-quote')?.kind, strike('create-quote')?.kind], ['garbage', 'reset']);
  faults.clear();
  assert.equal(strike('create-quote'), undefined);
});

test('a fault replaces all others, unless it is refused', () => {
  const faults = createFaults(isClientOperation);
  faults.add({ ...fault, times: 100, kind: 'garbage' });
  assert.throws(() => faults.replace({ ...fault, operation: 'no-such' }), /invalid_request/);
  const strike = faults.faultsOf('granite');
  assert.equal(strike('create-quote')?.kind, 'garbage');
  faults.replace({ ...fault, kind: 'reset' });
  assert.deepEqual(
    faults.list().map(({ kind, struck }) => [kind, struck]),
    [['reset', 0]],
  );
  assert.deepEqual([strike('create-quote')?.kind, strike('create-quote')], ['reset', undefined]);
});

test('a fault needs an operation of the protocol or a packet, and there is room for it', () => {
  const faults = createFaults(isClientOperation);
  for (const operation of ['no-such', 'post-reset', 'add-fault', 'constructor']) {
    assert.throws(
      () => faults.add({ ...fault, operation }),
      (error) => error instanceof Problem && error.code === 'invalid_request',
    );
  }
  for (let n = 0; n < 100; n += 1) faults.add({ ...fault, operation: packetOperation });
  assert.throws(
    () => faults.add(fault),
    (error) => error instanceof Problem && error.code === 'conflict',
  );
});
