/** One packet gets one answer: a late copy of a rejected packet is not booked beside the packet that replaced it (ILP-18). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deserializeIlpReply, isFulfill } from 'ilp-packet';
import { toMillis } from '../../src/database/columns.ts';
import type { Asset } from '../../src/open-payments/amount.ts';
import type { Link } from '../../src/payments/ilp/link.ts';
import { controlOf } from '../support/administration.ts';
import { startTwoWorlds, type TwoWorlds } from '../support/two-worlds.ts';
import { eventually } from './support/books.ts';

let worlds: TwoWorlds;
let sendAgain: (() => Promise<Buffer>) | undefined;
before(async () => {
  worlds = await startTwoWorlds({
    granite: {
      wrapLink: (_from, _to, link: Link) => ({
        async send(asset: Asset, prepare: Buffer, onSent) {
          const answer = await link.send(asset, prepare, onSent);
          sendAgain ??= () => link.send(asset, prepare);
          return answer;
        },
      }),
    },
  });
});
after(() => worlds?.close());

test('a copy that arrives when the payment was completed by another packet', async () => {
  const { payer, payee, marble } = worlds;
  const limitDebt = async (balanceLimit: string | null) => {
    const { status, text } = await controlOf(marble)('PATCH', '/ases/marble/peers/granite', { balanceLimit });
    assert.equal(status, 200, text);
  };
  await limitDebt('0');
  const incoming = await payer.receive(payee);
  const { status, body } = await payer.pay((await payer.quote(incoming, '400')).id);
  assert.equal(status, 201);
  await eventually(async () => sendAgain !== undefined);
  await limitDebt(null);
  await eventually(async () => {
    const { sentAmount, debitAmount } = await payer.read(body.id);
    return sentAmount.value === debitAmount.value;
  });
  const answer = deserializeIlpReply(await sendAgain!());
  assert.equal(isFulfill(answer) ? 'fulfilled' : answer.code, 'T04');
  const read = (await (await fetch(incoming)).json()) as { receivedAmount: { value: string } };
  assert.equal(read.receivedAmount.value, '400');
  const answers = await marble.db.query.selectFrom('incoming_packet').select(['booked_at', 'expires_at']).execute();
  for (const { booked_at, expires_at } of answers) assert.ok(toMillis(expires_at!) > toMillis(booked_at));
});
