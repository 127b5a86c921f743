/** Receivers that are remembered; for how long, `outgoing/send.test.ts` shows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Receiver, rememberReceivers } from '../../src/payments/receiver.ts';
import { EUR } from './support/payment-rows.ts';

const url = 'https://marble.example/incoming-payments/1';
const receiver = { url, asset: EUR, receivedAmount: 0n, completed: false };
const remote: Receiver = { ...receiver, ilp: { address: 'test.marble.1', sharedSecret: Buffer.alloc(32) } };

/** Reads that answer in the order in which they are begun. */
function arrange() {
  const answers: PromiseWithResolvers<Receiver>[] = [];
  const read = () => {
    answers.push(Promise.withResolvers());
    return answers.at(-1)!.promise;
  };
  return { ...rememberReceivers(read, { wallNow: () => 0 }), answers };
}

test('a receiver of another ASE is remembered, also while it is read again', async () => {
  const { readReceiver, recentReceiver, answers } = arrange();
  const first = readReceiver(url);
  assert.equal(recentReceiver(url), undefined);
  answers[0]!.resolve(remote);
  await first;
  assert.equal(recentReceiver(url), remote);

  const again = readReceiver(url);
  assert.equal(recentReceiver(url), remote);
  const changed = { ...remote, receivedAmount: 1n };
  answers[1]!.resolve(changed);
  await again;
  assert.equal(recentReceiver(url), changed);
});

test('it is forgotten if it cannot be read any more, or belongs to this ASE', async () => {
  const { readReceiver, recentReceiver, answers } = arrange();
  const read = async (answer: Receiver | Error) => {
    const reading = readReceiver(url);
    if (answer instanceof Error) answers.at(-1)!.reject(answer);
    else answers.at(-1)!.resolve(answer);
    await reading.catch(() => {});
    return recentReceiver(url);
  };
  assert.equal(await read(remote), remote);
  assert.equal(await read(new Error('closed')), undefined);
  assert.equal(await read(remote), remote);
  assert.equal(await read({ ...receiver, localIncomingPaymentId: '1' }), undefined);
});
