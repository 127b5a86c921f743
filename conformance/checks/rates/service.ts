/** Exchange rates from an HTTP service. Rafiki docs: exchange rates. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Check, CheckContext } from '../../runner/check.ts';
import { aseOf } from '../../steps/control.ts';
import { expectResourceError, expectStatus } from '../../steps/expect.ts';
import { amountOf, createIncomingPayment, createQuote, postQuote } from '../../steps/scenarios.ts';
import { inNewWorld } from '../../steps/world.ts';

/** Works with a rate service that answers with `text` and records the requests. */
async function withRates(
  context: CheckContext,
  work: (world: CheckContext, rates: { text: string; readonly asked: string[] }) => Promise<void>,
): Promise<void> {
  const rates = { text: '', asked: [] as string[] };
  const server = createServer((request, response) => {
    rates.asked.push(request.url!);
    response.writeHead(200, { 'content-type': 'application/json' }).end(rates.text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/rates`;
  try {
    await inNewWorld(context, {}, async (world) => {
      await world.control.request('POST', '/clock', { freeze: true });
      const answer = await world.control.request('PUT', `${await aseOf(world, world.sender)}/rate-source`, { url });
      assert.deepEqual([answer.status, answer.body], [200, { url }]);
      await work(world, rates);
    });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

export const checks: readonly Check[] = [
  {
    id: 'rates.service',
    rows: ['SET-06'],
    title: 'rates are requested with the base, cached for 15 seconds, and parsed exactly',
    run: (context) =>
      withRates(context, async (world, rates) => {
        const { sender, receiver, control } = world;
        const { id } = await createIncomingPayment(world);
        const received = async (value: string): Promise<string> =>
          (await createQuote(world, id, { debitAmount: amountOf(sender, value) })).receiveAmount.value;
        const answer = (rate: string) => {
          rates.text = `{"base":"${sender.assetCode}","rates":{"${receiver.assetCode}":${rate}}}`;
        };
        answer('0.5');
        assert.equal(await received('1000'), '500');
        assert.deepEqual(rates.asked, [`/rates?base=${sender.assetCode}`]);
        answer('0.25');
        await control.advanceClock(14);
        assert.equal(await received('1000'), '500', 'it still counts');
        await control.advanceClock(1);
        assert.equal(await received('1000'), '250');
        assert.equal(rates.asked.length, 2);
        // Parsed as a double it would be 0.1, which is one unit more.
        answer('0.09999999999999999999999');
        await control.advanceClock(15);
        assert.equal(await received('1000'), '99');
      }),
  },
  {
    id: 'rates.unusable',
    rows: ['SET-06'],
    title: 'without a usable rate in the latest answer of the service a quote fails, despite earlier rates',
    run: (context) =>
      withRates(context, async (world, rates) => {
        const { sender, receiver, control } = world;
        const { id } = await createIncomingPayment(world);
        const receiverRate = (rate: string) =>
          `{"base":"${sender.assetCode}","rates":{"${receiver.assetCode}":${rate}}}`;
        const json = { walletAddress: sender.url, receiver: id, method: 'ilp', debitAmount: amountOf(sender, '1000') };
        rates.text = receiverRate('0.5');
        expectStatus(await postQuote(world, json), 201);
        for (const text of [
          ...['-0.5', '0', '"0.5"', 'null', 'NaN', '1e400'].map(receiverRate),
          receiverRate('0.5').replace(sender.assetCode, 'XTS'),
          `{"base":"${sender.assetCode}","rates":{}}`,
          `{"base":"${sender.assetCode}"}`,
          'no JSON',
        ]) {
          rates.text = text;
          await control.advanceClock(15);
          expectResourceError(await postQuote(world, json), 500, /could not convert/);
        }
      }),
  },
];
