/** Properties of grants and their tokens. RFC 9635, as the Open Payments auth-server profiles it. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { loadRequestBody } from '../generators/document.ts';
import { type Pins, validValues } from '../generators/valid-values.ts';
import type { Check, CheckContext } from '../runner/check.ts';
import { type Creation, refuseInvalid, surviveAnything } from '../steps/creations.ts';
import { expectGnapError, expectResourceError, expectStatus } from '../steps/expect.ts';
import { finishUri } from '../steps/interaction.ts';
import { forAll, property, type Step as StepOf, sequences } from '../steps/property.ts';
import {
  cancelGrant,
  continueGrant,
  createIncomingPayment,
  grantOutgoing,
  incomingAccess,
  outgoingAccess,
  requestToken,
  revokeToken,
  rotateToken,
} from '../steps/scenarios.ts';
import type { Json } from '../steps/signed-client.ts';

const body = await loadRequestBody('auth-server', 'post-request');
const continuation = await loadRequestBody('auth-server', 'post-continue');

const intervals = ['R/2026-01-01T00:00:00Z/P1M', 'R12/2026-01-01T00:00:00+02:00/PT1H', 'R5/2026-01-01T00:00:00Z/P1W'];
const visibleAscii = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index));

/** Facts of the world, and values that the rules of grants ask for beyond the schema. */
function pinsFor({ sender, target }: CheckContext, receiver: string): Pins {
  const access = '/access_token/access/*';
  const positive = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map(String);
  const amounts = ['debitAmount', 'receiveAmount'].flatMap((name): [string, fc.Arbitrary<Json>][] => [
    [`${access}/limits/${name}/value`, positive],
    [`${access}/limits/${name}/assetCode`, fc.constantFrom(sender.assetCode, 'XTS')],
  ]);
  return {
    '/client': fc.constantFrom(target.client, { walletAddress: target.client }),
    '/interact/start': fc.constant(['redirect']),
    '/interact/finish/uri': fc.constant(finishUri),
    '/interact/finish/nonce': fc.string({ unit: fc.constantFrom(...visibleAscii), minLength: 1, maxLength: 40 }),
    '/subject/sub_ids/*/id': fc.constant(sender.url),
    [`${access}/identifier`]: fc.constant(sender.url),
    [`${access}/limits/receiver`]: fc.constant(receiver),
    [`${access}/limits/interval`]: fc.constantFrom(...intervals),
    ...Object.fromEntries(amounts),
  };
}

const accessOf = (request: Json): Json[] => request.access_token?.access ?? [];

const needsConsentItself = ({ type, actions }: Json): boolean =>
  type === 'outgoing-payment' || (type === 'incoming-payment' && actions.includes('list-all'));

const needsConsent = (request: Json): boolean =>
  request.subject !== undefined || accessOf(request).some(needsConsentItself);

/** Rules that no schema can express. A request that breaks one of them is refused, as the checks of grants show. */
function isMeaningful(request: Json): boolean {
  const access = accessOf(request);
  return (
    (access.length > 0 || request.subject !== undefined) &&
    access.every(({ actions }) => actions.length > 0) &&
    access.every((item) => !needsConsentItself(item) || item.identifier !== undefined) &&
    access.filter(({ type }) => type === 'outgoing-payment').length <= 1 &&
    (request.interact !== undefined || !needsConsent(request))
  );
}

async function prepareRequest(context: CheckContext): Promise<Creation> {
  const { id } = await createIncomingPayment(context);
  return {
    body,
    pins: pinsFor(context, id),
    // Nothing lists grants, so only the answer shows whether one was created.
    send: (current, content) =>
      current.call({ operation: 'post-request', method: 'POST', url: context.sender.authServer, ...content }),
  };
}

/** A grant whose continuation is sent these bodies. It must be usable afterwards. */
async function prepareContinuation(context: CheckContext): Promise<Creation> {
  const grant = await requestToken(context, context.receiver, [incomingAccess(context.receiver)]);
  const { uri, access_token } = grant.continue;
  return {
    body: continuation,
    pins: {},
    send: (current, content) =>
      current.call({ operation: 'post-continue', method: 'POST', url: uri, token: access_token.value, ...content }),
    observe: async (current) => (await useToken(current, grant.access_token.value)).status,
  };
}

const useToken = (context: CheckContext, token: string) => {
  const { resourceServer, url } = context.receiver;
  const list = `${resourceServer}/incoming-payments?wallet-address=${encodeURIComponent(url)}&first=1`;
  return context.call({ operation: 'list-incoming-payments', url: list, token });
};

interface Grant {
  readonly continue: Json;
  token: Json;
  /** Tokens that were replaced. */
  readonly former: Json[];
  state: 'active' | 'revoked' | 'cancelled';
}

interface Model {
  readonly grants: Grant[];
}

type Step = StepOf<Model>;

const request = (isInteractive: boolean): Step => ({
  check: () => true,
  run: async ({ grants }, context) => {
    const { receiver } = context;
    const access = incomingAccess(receiver);
    const answer = isInteractive
      ? await grantOutgoing({ ...context, sender: receiver }, outgoingAccess(receiver), access)
      : await requestToken(context, receiver, [access]);
    grants.push({ continue: answer.continue, token: answer.access_token, former: [], state: 'active' });
  },
  toString: () => (isInteractive ? 'request with consent' : 'request'),
});

const withGrant = (name: string, index: number, run: (grant: Grant, context: CheckContext) => Promise<void>): Step => ({
  check: ({ grants }) => grants.length > 0,
  run: ({ grants }, context) => run(grants[index % grants.length]!, context),
  toString: () => `${name} ${index}`,
});

async function expectUse({ token, former, state }: Grant, context: CheckContext): Promise<void> {
  const answer = await useToken(context, token.value);
  if (state === 'active') expectStatus(answer, 200);
  else expectResourceError(answer, 401);
  const replaced = former.at(-1);
  if (replaced) expectResourceError(await useToken(context, replaced.value), 401);
}

const use = (index: number): Step => withGrant('use', index, expectUse);

const rotate = (index: number): Step =>
  withGrant('rotate', index, async (grant, context) => {
    const answer = await rotateToken(context, grant.token);
    if (grant.state !== 'active') {
      expectGnapError(answer, 401, 'invalid_client');
      return;
    }
    const { access_token: next } = expectStatus(answer, 200).body;
    assert.deepEqual(next.access, grant.token.access);
    assert.notEqual(next.value, grant.token.value);
    grant.former.push(grant.token);
    grant.token = next;
    await expectUse(grant, context);
  });

const revoke = (index: number): Step =>
  withGrant('revoke', index, async (grant, context) => {
    const answer = await revokeToken(context, grant.token);
    if (grant.state !== 'active') expectGnapError(answer, 401, 'invalid_client');
    else expectStatus(answer, 204);
    if (grant.state === 'active') grant.state = 'revoked';
    await expectUse(grant, context);
  });

const cancel = (index: number): Step =>
  withGrant('cancel', index, async (grant, context) => {
    const answer = await cancelGrant(context, grant);
    if (grant.state === 'cancelled') expectGnapError(answer, 401, 'invalid_continuation');
    else expectStatus(answer, 204);
    grant.state = 'cancelled';
    await expectUse(grant, context);
  });

/** A grant that was issued brings no second token. */
const poll = (index: number): Step =>
  withGrant('continue', index, async (grant, context) => {
    const code = grant.state === 'cancelled' ? 'invalid_continuation' : 'request_denied';
    expectGnapError(await continueGrant(context, grant), 401, code);
  });

export const checks: readonly Check[] = [
  property({
    id: 'grant.valid',
    rows: ['AS-08', 'AS-09', 'AS-11', 'AS-14', 'AS-49', 'AS-56'],
    title: 'every valid grant request is granted at once or waits for consent, as its rights demand',
    prepare: async (context) => {
      const { id } = await createIncomingPayment(context);
      return forAll({
        values: validValues(body.schema, pinsFor(context, id)).filter(isMeaningful),
        share: 3,
        holds: async (asked, { call, sender }) => {
          const answer = await call({ operation: 'post-request', url: sender.authServer, json: asked });
          const { body: granted } = expectStatus(answer, 200);
          assert.match(answer.headers.get('cache-control') ?? '', /no-store/);
          assert.ok(URL.canParse(granted.continue?.uri), 'continue.uri is a URL');
          if (needsConsent(asked)) {
            assert.deepEqual(Object.keys(granted).sort(), ['continue', 'interact']);
            assert.ok(URL.canParse(granted.interact.redirect), 'interact.redirect is a URL');
          } else {
            assert.deepEqual(Object.keys(granted).sort(), ['access_token', 'continue']);
            assert.deepEqual(granted.access_token.access, asked.access_token.access);
          }
        },
      });
    },
  }),
  property({
    id: 'grant.invalid',
    rows: ['AS-03', 'AS-07', 'AS-20', 'AS-160', 'AS-162'],
    title: 'a grant request that the schema refuses is refused with 400',
    prepare: async (context) => refuseInvalid(await prepareRequest(context)),
  }),
  property({
    id: 'grant.anything',
    rows: ['AS-07', 'AS-160', 'AS-162', 'AS-N12'],
    title: 'whatever is sent in place of a grant request is refused as declared',
    prepare: async (context) => surviveAnything(await prepareRequest(context)),
  }),
  property({
    id: 'continuation.invalid',
    rows: ['AS-112', 'AS-160', 'AS-162'],
    title: 'a continuation that the schema refuses is refused with 400, and the grant stays as it is',
    prepare: async (context) => refuseInvalid(await prepareContinuation(context)),
  }),
  property({
    id: 'continuation.anything',
    rows: ['AS-160', 'AS-162'],
    title: 'whatever is sent in place of a continuation is refused as declared, and the grant stays as it is',
    prepare: async (context) => surviveAnything(await prepareContinuation(context)),
  }),
  property({
    id: 'grant.lifecycle',
    rows: ['AS-125', 'AS-130', 'AS-131', 'AS-133', 'AS-141', 'AS-149', 'AS-150'],
    title:
      'in any order of requesting, using, rotating, revoking and cancelling, each answer follows from those before',
    prepare: async () => {
      const index = fc.nat({ max: 9 });
      const steps: fc.Arbitrary<Step>[] = [
        fc.boolean().map(request),
        index.map(use),
        index.map(rotate),
        index.map(revoke),
        index.map(cancel),
        index.map(poll),
      ];
      return forAll({
        values: sequences(steps),
        isStateful: true,
        holds: async (commands, context) => {
          const model: Model = { grants: [] };
          await request(false).run(model, context);
          await fc.asyncModelRun(() => ({ model, real: context }), commands);
        },
      });
    },
  }),
];
