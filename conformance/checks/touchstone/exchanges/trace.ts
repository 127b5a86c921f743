/** The request trace that an operator sees over Touchstone's control API, and the secrets that it must not contain. */
import assert from 'node:assert/strict';
import type { Check, CheckContext } from '../../../runner/check.ts';
import { expectResourceError, expectStatus } from '../../../steps/expect.ts';
import { createIncomingPayment, grantOutgoing, incomingToken, outgoingAccess } from '../../../steps/scenarios.ts';
import type { Json } from '../../../steps/signed-client.ts';
import { inNewWorld } from '../../../steps/world.ts';

const list = async ({ control }: CheckContext, query = ''): Promise<Json[]> => {
  const { status, body } = await control.request('GET', `/exchanges${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  return body.exchanges;
};

export const checks: readonly Check[] = [
  {
    id: 'exchanges.refusals',
    rows: ['CT-05'],
    title: 'only the operator sees the reason, the requirement and the signature base of a refused request',
    run: async (context) => {
      await inNewWorld(context, { profile: 'compat' }, async (world) => {
        const { id: url } = await createIncomingPayment(world);
        const token = await incomingToken(world);
        const [last] = await list(world, '?limit=1');
        assert.deepEqual(
          [last.operation, last.method, last.status, last.refusal],
          ['create-incoming-payment', 'POST', 201, undefined],
        );
        const read = { operation: 'get-incoming-payment', url, token };
        expectResourceError(await world.call({ ...read, sign: { broken: true } }), 401);
        expectResourceError(await world.call({ ...read, sign: { components: ['@method', '@target-uri'] } }), 401);
        expectStatus(await world.call({ ...read, sign: { form: 'php' } }), 200);
        const [broken, uncovered, lenient] = await list(world, `?after=${last.id}&operation=get-incoming-payment`);
        assert.equal(broken.refusal.reason, 'signature_mismatch');
        const { pathname } = new URL(url);
        assert.deepEqual([broken.target, broken.status], [pathname, 401]);
        const lines = broken.refusal.signatureBase.split('\n');
        assert.deepEqual(lines.slice(0, 2), ['"@method": GET', `"@target-uri": ${url}`]);
        assert.match(lines.at(-1), /^"@signature-params": \("@method" "@target-uri" .*keyid="/);
        assert.deepEqual(
          [uncovered.refusal.reason, uncovered.refusal.requirements.includes('SIG-04')],
          ['missing_component', true],
        );
        assert.deepEqual([lenient.status, lenient.lenient.length > 0], [200, true]);
        assert.deepEqual(await list(world, '?operation=get-quote'), []);

        const origin = new URL(url).origin;
        expectStatus(await world.call({ operation: null, url: `${origin}/exchanges`, sign: false }), 404);
        const { url: control } = world.target.control!;
        expectStatus(await world.call({ url: `${control}/exchanges`, sign: false }), 401);
      });
    },
  },
  {
    id: 'exchanges.secrets',
    rows: ['CT-05'],
    title: 'the request trace contains no token, signature, nonce or interaction reference',
    run: async (context) => {
      await inNewWorld(context, {}, async (world) => {
        const secrets = new Set<string>();
        const call: CheckContext['call'] = async (one) => {
          const answer = await world.call(one);
          for (const [name, value] of answer.sent.headers)
            if (/^signature$/i.test(name)) secrets.add(value.slice(6, -1));
          // The last segment of the interaction's URL is a nonce.
          const redirect = answer.body?.interact?.redirect;
          if (redirect) secrets.add(new URL(redirect).pathname.split('/').at(-1) ?? '');
          const location = answer.headers.get('location');
          if (location)
            for (const name of ['interact_ref', 'hash', 'nonce'])
              secrets.add(new URL(location, one.url).searchParams.get(name) ?? '');
          return answer;
        };
        const watched = { ...world, call };
        const grant = await grantOutgoing(watched, outgoingAccess(world.sender));
        secrets.add(grant.access_token.value).add(grant.continue.access_token.value);
        const url = `${world.sender.resourceServer}/outgoing-payment-grant`;
        const nonce = 'a-nonce-of-the-client';
        const sign = { broken: true, parameters: `;nonce="${nonce}"` };
        expectResourceError(await call({ url, token: grant.access_token.value, sign }), 401);
        secrets.delete('');
        const shown = JSON.stringify(await list(world, '?limit=1000'));
        assert.ok(shown.includes('signature_mismatch') && shown.includes('start-interaction'));
        for (const secret of [...secrets, nonce]) assert.ok(!shown.includes(secret), 'a secret is shown');
      });
    },
  },
];
