/**
 * The wire forms of signatures that clients send, and others, against the target: each recorded vector with its verdict
 * in the target's profile. RFC 9421, RFC 9530, RFC 9635 §7.3.1.
 */

import assert from 'node:assert/strict';
import type { Check, CheckContext } from '../../runner/check.ts';
import { assertFor } from '../../runner/deviation.ts';
import { expectGnapError, expectResourceError } from '../../steps/expect.ts';
import { giveConsent } from '../../steps/owner-consent.ts';
import {
  createIncomingPayment,
  incomingToken,
  outgoingAccess,
  passWait,
  quoteAccess,
  quoteToken,
  requestInteractiveGrant,
  requestToken,
} from '../../steps/scenarios.ts';
import type { Json } from '../../steps/signed-client.ts';
import {
  type ReplayTarget,
  readSignatureVectors,
  replayVector,
  type SignatureVector,
} from '../../steps/vector-replay.ts';

type Somewhere = Pick<ReplayTarget, 'operation' | 'recorded' | 'url' | 'token'>;

/** Resources of the target that replace the recorded ones. */
const places: readonly {
  readonly method: string;
  readonly target: RegExp;
  readonly place: (context: CheckContext) => Promise<Somewhere>;
}[] = [
  {
    method: 'POST',
    target: /^\/incoming-payments\/1\/+complete/,
    place: async (context) => ({ ...(await incomingPayment(context)), operation: 'complete-incoming-payment' }),
  },
  {
    method: 'GET',
    target: /^\/incoming-payments\/1/,
    place: (context) => incomingPayment(context),
  },
  {
    method: 'GET',
    target: /^\/incoming-payments/,
    place: async (context) => ({ ...(await incomingPayments(context)), operation: 'list-incoming-payments' }),
  },
  {
    method: 'POST',
    target: /^\/incoming-payments/,
    place: (context) => incomingPayments(context),
  },
  {
    method: 'POST',
    target: /^\/auth\/$/,
    place: async (context) => ({
      operation: 'post-request',
      recorded: '/auth/',
      url: context.sender.authServer,
      token: await quoteToken(context),
    }),
  },
  {
    method: 'POST',
    target: /^\/auth\/token\/1/,
    place: (context) => managedToken(context, 'post-token'),
  },
  {
    method: 'DELETE',
    target: /^\/auth\/token\/1/,
    place: (context) => managedToken(context, 'delete-token'),
  },
  {
    method: 'DELETE',
    target: /^\/auth\/continue\/1/,
    place: async (context) =>
      continuation(await requestToken(context, context.sender, [quoteAccess()]), 'delete-continue'),
  },
  {
    method: 'POST',
    target: /^\/auth\/continue\/1/,
    place: async (context) => {
      const { body } = await requestInteractiveGrant(context, [outgoingAccess(context.sender)], false);
      await giveConsent(context, body.interact.redirect);
      await passWait(context, body);
      return continuation(body, 'post-continue');
    },
  },
];

async function incomingPayment(context: CheckContext): Promise<Somewhere> {
  const { id: url } = await createIncomingPayment(context);
  const token = await incomingToken(context);
  return { operation: 'get-incoming-payment', recorded: '/incoming-payments/1', url, token };
}

async function incomingPayments(context: CheckContext): Promise<Somewhere> {
  const url = `${context.receiver.resourceServer}/incoming-payments`;
  const token = await incomingToken(context);
  return { operation: 'create-incoming-payment', recorded: '/incoming-payments', url, token };
}

async function managedToken(context: CheckContext, operation: string): Promise<Somewhere> {
  const { manage: url, value: token } = (await requestToken(context, context.sender, [quoteAccess()])).access_token;
  return { operation, recorded: '/auth/token/1', url, token };
}

const continuation = (grant: Json, operation: string): Somewhere => ({
  operation,
  recorded: '/auth/continue/1',
  url: grant.continue.uri,
  token: grant.continue.access_token.value,
});

/** Rows of the leniencies that a specification does not demand. */
const leniencyRows: Readonly<Record<string, string>> = {
  signature_without_colons: 'SIG-25',
  signature_without_label: 'SIG-25',
  unquoted_components: 'SIG-26',
  digest_of_compact_json: 'SIG-07b',
  alg_parameter: 'SIG-13',
};

function checkVector(vector: SignatureVector): Check {
  const { id, rows, about, request } = vector;
  const place = places.find(({ method, target }) => method === request.method && target.test(request.target))?.place;
  if (!place) throw new Error(`${id}: nothing stands for ${request.method} ${request.target}`);
  return {
    id,
    rows,
    title: `the wire form: ${about}`,
    run: async (context) => {
      const { target, receiver, profile, control } = context;
      const somewhere = {
        ...(await place(context)),
        identity: target.identity,
        walletAddress: receiver.url,
        client: target.client,
        assetCode: receiver.assetCode,
        assetScale: receiver.assetScale,
      };
      const answer = await context.call(replayVector(vector, somewhere, Date.now()));
      const expected = vector[profile];
      const assertAccepted = (): void =>
        assert.ok(answer.status >= 200 && answer.status < 300, `status ${answer.status}`);
      const leniency = vector.lenient?.map((name) => leniencyRows[name]).find((row) => row !== undefined);
      if (expected === 'ok' && leniency) assertFor(leniency, assertAccepted);
      else if (expected === 'ok') assertAccepted();
      else if (request.target.startsWith('/auth/')) expectGnapError(answer, 401, 'invalid_client');
      else expectResourceError(answer, 401, /^Signature validation error/);
      if (!control.available) return;
      const [{ method, refusal, lenient }] = (await control.request('GET', '/exchanges?limit=1')).body.exchanges;
      assert.equal(method, request.method);
      assert.equal(refusal?.reason ?? 'ok', expected, 'the reason that the operator sees');
      if (expected === 'ok') assert.deepEqual(lenient, vector.lenient ?? []);
    },
  };
}

export const checks: readonly Check[] = readSignatureVectors()
  .filter(({ offline }) => offline === undefined)
  .map(checkVector);
