/**
 * Captured requests, sent again with fresh signature parameters written next to the signed ones: what is checked must
 * be what was signed. RFC 9421 §7.4.2, §7.5.3.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Check } from '../../runner/check.ts';
import { expectStatus } from '../../steps/expect.ts';
import { exchange, type HeaderLine, type Sent } from '../../steps/http-exchange.ts';
import { createIncomingPayment, grantOutgoing, outgoingAccess } from '../../steps/scenarios.ts';
import type { Answer } from '../../steps/signed-client.ts';
import { now, postGrant } from '../../steps/signed-requests.ts';

interface Fields {
  readonly input: readonly string[];
  readonly signature: readonly string[];
}

/** Fields in which another parser might find fresh parameters. `signed` is the captured text behind `sig1=`. */
function listForgeries(signed: string, signature: string): Record<string, Fields> {
  const list = /^\([^)]*\)/.exec(signed)![0];
  const keyid = /;keyid="[^"]*"/.exec(signed)![0];
  const fresh = `${list};created=${now()}${keyid}`;
  const [one, two] = [`sig1=${signed}`, `sig1=${fresh}`];
  const also = `${signature}, a=:AAAA:`;
  return {
    'as they were': { input: [one], signature: [signature] },
    'behind a display string': { input: [`${one}, a=("x");p=%"\\", ${two};z=%"\\"`], signature: [also] },
    'behind a display string, first': { input: [`a=("x");p=%"\\", ${two};z=%"\\", ${one}`], signature: [also] },
    'behind an escape': { input: [`${one}, a=("x");p="\\", ${two};z="\\"`], signature: [also] },
    'after the captured label': { input: [`${one}, ${two}`], signature: [signature] },
    'before the captured label': { input: [`${two},${one}`], signature: [signature] },
    'on another line': { input: [one, two], signature: [signature] },
    'on an earlier line': { input: [two, one], signature: [signature, signature] },
    'under a label in capitals': { input: [`${one}, SIG1=${fresh}`], signature: [signature] },
    'under another label': { input: [`a=${fresh}, ${one}`], signature: [`a${signature.slice(4)}, sig1=:AAAA:`] },
    'tagged gnap': { input: [`${one}, a=${fresh};tag="gnap"`], signature: [`${signature}, a${signature.slice(4)}`] },
    'as a second created': { input: [`${one};created=${now()};nonce="${randomUUID()}"`], signature: [signature] },
    'as a first created': { input: [one.replace(list, `${list};created=${now()}`)], signature: [signature] },
    'as a date': { input: [one.replace(/;created=\d+/, `;created=@${now()}`)], signature: [signature] },
    'as a comma in a string': { input: [`${one};x=", ${two.replaceAll('"', '\\"')}"`], signature: [signature] },
    'between tabs': { input: [`${one}\t,\t${two}`], signature: [signature] },
    'with a nonce': { input: [`${one.replace(/;nonce="[^"]*"/, '')};nonce="${randomUUID()}"`], signature: [signature] },
  };
}

async function sendForgeries(name: string, sent: Sent): Promise<void> {
  const fieldOf = (field: string) => sent.headers.find(([header]) => header === field)![1];
  const others = sent.headers.filter(([header]) => header !== 'signature-input' && header !== 'signature');
  const signed = fieldOf('signature-input').replace('sig1=', '');
  for (const [how, { input, signature }] of Object.entries(listForgeries(signed, fieldOf('signature')))) {
    const fields = [
      ...input.map((value): HeaderLine => ['signature-input', value]),
      ...signature.map((value): HeaderLine => ['signature', value]),
    ];
    const { status } = await exchange({ ...sent, headers: [...others, ...fields] });
    assert.equal(status, 401, `${name}, fresh parameters ${how}`);
  }
  for (const [field, value] of [
    ['authorization', 'GNAP other'],
    ['content-digest', 'sha-512=:AAAA:'],
  ] as const) {
    const { status } = await exchange({ ...sent, headers: [...sent.headers, [field, value]] });
    assert.equal(status, 401, `${name}, ${field} twice`);
  }
}

export const checks: readonly Check[] = [
  {
    id: 'signature.captured-request',
    rows: ['SIG-02', 'SIG-11', 'SIG-12', 'SIG-15', 'SIG-N03'],
    title: 'a captured payment or grant request is not accepted again with parameters that were not signed',
    run: async (context) => {
      const { sender } = context;
      const incoming = await createIncomingPayment(context);
      const { value: token } = (await grantOutgoing(context, outgoingAccess(sender))).access_token;
      const debitAmount = { value: '10', assetCode: sender.assetCode, assetScale: sender.assetScale };
      const pay = (parameters: string, created: number): Promise<Answer> =>
        context.call({
          operation: 'create-outgoing-payment',
          url: `${sender.resourceServer}/outgoing-payments`,
          json: { walletAddress: sender.url, incomingPayment: incoming.id, debitAmount },
          token,
          sign: { created, parameters },
        });
      const paid = await pay(`;nonce="${randomUUID()}"`, now());
      expectStatus(paid, 201);
      await sendForgeries('a payment', paid.sent);
      const expired = await pay(`;expires=${now() - 3000}`, now() - 3600);
      expectStatus(expired, 401);
      await sendForgeries('an expired payment', expired.sent);
      const granted = await postGrant(context, { sign: { created: now() - 3600 } });
      await sendForgeries('a grant request', granted.sent);
    },
  },
];
