/** Faults of a link (CT-06): what the sender sees, and whether the packet was passed on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFaults, type Fault } from '../../../src/faults.ts';
import { createFaultyLink } from '../../../src/payments/ilp/faulty-link.ts';
import { LinkError } from '../../../src/payments/ilp/link.ts';
import { readPacketAnswer } from '../../../src/payments/ilp/stream-sender.ts';

async function send(fault: Partial<Fault> | undefined) {
  let passed = 0;
  const link = {
    async send() {
      passed += 1;
      return Buffer.from('answer');
    },
  };
  const faults = createFaults(() => false);
  const faulty = createFaultyLink(link, { ase: 'granite', prefix: 'test.marble', faults });
  assert.equal(faulty.isOneByOne!(), false);
  if (fault) faults.add({ operation: 'send-packet', ase: 'granite', nth: 1, times: 1, kind: 'status', ...fault });
  assert.equal(faulty.isOneByOne!(), fault !== undefined, 'with a fault, packets are sent one at a time');
  const answer = await faulty.send({ code: 'USD', scale: 2 }, Buffer.alloc(0)).catch((error) => error as Error);
  return { answer, passed };
}

test('a Reject in the name of the peer, final unless told otherwise; the packet stays here', async () => {
  for (const code of [undefined, 'T00']) {
    const { answer, passed } = await send(code === undefined ? {} : { code });
    assert.ok(Buffer.isBuffer(answer));
    const message = 'a fault on purpose';
    const expected = { kind: 'rejected', code: code ?? 'F99', triggeredBy: 'test.marble', message };
    assert.deepEqual([readPacketAnswer(answer, '', 1n), passed], [expected, 0]);
  }
});

test('junk and broken connections leave the packet in doubt, passed on or not', async () => {
  const junk = await send({ kind: 'garbage' });
  assert.deepEqual([readPacketAnswer(junk.answer as Buffer, '', 1n).kind, junk.passed], ['unknown', 0]);
  for (const [kind, expected] of [
    ['reset', 0],
    ['after-commit', 1],
  ] as const) {
    const { answer, passed } = await send({ kind });
    assert.deepEqual([answer instanceof LinkError, passed], [true, expected], kind);
  }
});

test('a late packet and one that nothing strikes are passed on', async () => {
  for (const fault of [undefined, { kind: 'delay', delayMs: 1 } as const]) {
    assert.deepEqual(await send(fault), { answer: Buffer.from('answer'), passed: 1 });
  }
});
