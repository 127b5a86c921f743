/**
 * A good client pays from one ASE to the other. Grading it finds no violation but one that cannot be avoided with a
 * hosted client, and changes no byte of any answer.
 */
import assert from 'node:assert/strict';
import { createHash, createPrivateKey } from 'node:crypto';
import { test } from 'node:test';
import { createGrader } from '../../src/grade/grader.ts';
import type { Verdict } from '../../src/grade/report.ts';
import { strict } from '../../src/profile.ts';
import { type ClientEnvironment, clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';
import { signFields } from './traced.ts';

// biome-ignore lint/suspicious/noExplicitAny: the test reads what it expects
type Json = any;

/** Sends signed requests, and keeps each answer as text. */
function createGoodClient({ client, keyId, privateKey }: ClientEnvironment, origins: Readonly<Record<string, string>>) {
  const key = createPrivateKey(privateKey);
  const answers: string[] = [];
  async function call(method: string, url: string, { token, body }: { token?: string; body?: unknown } = {}) {
    const headers: Record<string, string> = { Accept: 'application/json' };
    const content = body === undefined ? undefined : JSON.stringify(body);
    if (token !== undefined) headers['Authorization'] = `GNAP ${token}`;
    if (content !== undefined) {
      const digest = createHash('sha512').update(content).digest('base64');
      headers['Content-Type'] = 'application/json';
      headers['Content-Length'] = `${Buffer.byteLength(content)}`;
      headers['Content-Digest'] = `sha-512=:${digest}:`;
    }
    if (token !== undefined || content !== undefined) {
      const nonce = createHash('sha256').update(`${answers.length}`).digest('base64url').slice(0, 22);
      const created = Math.floor(Date.now() / 1000);
      const parameters = `;nonce="${nonce}";tag="gnap"`;
      signFields(headers, { method, url, key, kid: keyId, at: 0, created, parameters });
    }
    const response = await fetch(url, { method, headers, body: content ?? null, redirect: 'manual' });
    const text = await response.text();
    const fields = [...response.headers].filter(([name]) => name !== 'date');
    let shown = JSON.stringify([response.status, fields, text]);
    for (const [origin, name] of Object.entries(origins)) {
      shown = shown.replaceAll(origin, name).replaceAll(encodeURIComponent(origin), name);
    }
    answers.push(shown);
    assert.ok(response.status < 400, `${method} ${url}: ${shown}`);
    return { headers: response.headers, body: (text.startsWith('{') ? JSON.parse(text) : undefined) as Json };
  }
  const grant = async (authServer: string, access: object, rest: object = {}): Promise<Json> => {
    const body = { client: { walletAddress: client }, access_token: { access: [access] }, ...rest };
    return (await call('POST', authServer, { body })).body;
  };
  return { call, grant, answers };
}

type GoodClient = ReturnType<typeof createGoodClient>;

/** The whole of a payment, with a rotation, a revocation and all cancellations. */
async function pay({ call, grant }: GoodClient, { walletAddress, receiver }: ClientEnvironment): Promise<void> {
  const sender = (await call('GET', walletAddress)).body;
  const payee = (await call('GET', receiver)).body;
  const incoming = await grant(payee.authServer, { type: 'incoming-payment', actions: ['create', 'read', 'list'] });
  const token = incoming.access_token.value;
  const incomingAmount = { value: '500', assetCode: payee.assetCode, assetScale: payee.assetScale };
  const body = { walletAddress: payee.id, incomingAmount };
  const payment = (await call('POST', `${payee.resourceServer}/incoming-payments`, { token, body })).body;
  await call('GET', payment.id, { token });
  await call('GET', payment.id);

  const quoting = await grant(sender.authServer, { type: 'quote', actions: ['create', 'read'] });
  const quote = await call('POST', `${sender.resourceServer}/quotes`, {
    token: quoting.access_token.value,
    body: { walletAddress: sender.id, receiver: payment.id, method: 'ilp' },
  });
  await call('DELETE', quoting.access_token.manage, { token: quoting.access_token.value });

  const { debitAmount } = quote.body;
  const access = { type: 'outgoing-payment', actions: ['create'], identifier: sender.id, limits: { debitAmount } };
  const finish = { method: 'redirect', uri: 'http://localhost:1/done/4f1d', nonce: 'Xq2vW8nTzR5kLm3pYh7sBd' };
  const pending = await grant(sender.authServer, access, { interact: { start: ['redirect'], finish } });
  const redirect = await fetch(pending.interact.redirect, { redirect: 'manual' });
  const reference = new URL(redirect.headers.get('location')!).searchParams.get('interact_ref');
  const { uri, access_token: continuation } = pending.continue;
  const granted = await call('POST', uri, { token: continuation.value, body: { interact_ref: reference } });
  const rotated = await call('POST', granted.body.access_token.manage, { token: granted.body.access_token.value });
  await call('POST', `${sender.resourceServer}/outgoing-payments`, {
    token: rotated.body.access_token.value,
    body: { walletAddress: sender.id, quoteId: quote.body.id },
  });
  for (const { continue: open } of [incoming, quoting, granted.body]) {
    await call('DELETE', open.uri, { token: open.access_token.value });
  }
}

async function run(world: TestWorld, isGraded: boolean): Promise<{ answers: string[]; verdicts: Verdict[] }> {
  await world.controls.changeClock({ action: 'freeze' });
  await world.controls.changeClock({ action: 'set', time: Date.parse('2100-01-01T00:00:00Z') });
  const states = await world.controls.describeAses();
  const ases = states.map(({ name, origin, authServer, resourceServer }) => ({
    name,
    walletAddressServer: origin,
    authServer: authServer.replace(/\/$/, ''),
    resourceServer: resourceServer.replace(/\/$/, ''),
    identityProvider: origin,
  }));
  const secrets = [world.clientKey!];
  const grader = createGrader({ profile: 'strict', switches: strict, ases, secrets });
  const unsubscribe = isGraded ? world.controls.subscribeToExchanges(grader.observe) : () => {};
  const environment = clientEnvironment(world);
  const client = createGoodClient(environment, Object.fromEntries(states.map(({ name, origin }) => [origin, name])));
  await pay(client, environment);
  unsubscribe();
  const end = { at: Date.now(), output: 'paid\n', privateKeys: secrets };
  return { answers: client.answers, verdicts: grader.finish(end) };
}

test('a good client violates nothing, and its answers are the same bytes without grading', async () => {
  const options = { seed: 'graded', profile: 'strict' } as const;
  await using graded = await startWorld(options);
  await using ungraded = await startWorld({ ...options, recordExchanges: 0 });
  const [first, second] = [await run(graded, true), await run(ungraded, false)];
  assert.ok(first.answers.length > 15);
  assert.deepEqual(first.answers, second.answers);

  const findings = first.verdicts.filter(({ status }) => status !== 'pass' && status !== 'not-exercised');
  assert.deepEqual(
    findings.map(({ id, status, findings: [finding] }) => [id, status, finding?.detail]),
    [
      // A hosted client has one key, whatever the server.
      ['CL-KEY-08', 'warning', 'The same public key was seen by marble and granite.'],
    ],
  );
  const passed = first.verdicts.filter(({ status }) => status === 'pass').map(({ id }) => id);
  assert.ok(passed.length >= 60, `${passed.length} requirements: ${passed.join(' ')}`);
});
