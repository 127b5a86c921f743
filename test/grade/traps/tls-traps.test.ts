/** The traps of clear text and certificates: what they offer, and how they notice a client that takes it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';
import { test } from 'node:test';
import { createTrapFacts } from '../../../src/grade/traps/facts.ts';
import { tlsTraps } from '../../../src/grade/traps/tls.ts';
import type { TrapContext } from '../../../src/grade/traps/trap.ts';
import { visit } from '../../../src/grade/traps/visit.ts';
import type { InterceptedCall } from '../../../src/http/interceptor.ts';

const receiver = 'https://localhost:1/bob';

function createContext() {
  const facts = createTrapFacts();
  const disarming: (() => void)[] = [];
  const context: TrapContext = {
    ases: [
      {
        name: 'granite',
        walletAddressServer: 'https://localhost:1',
        authServer: 'https://localhost:1/auth/',
        resourceServer: 'https://localhost:1',
      },
    ],
    sender: 'https://localhost:1/alice',
    receiver,
    hashEncoding: 'base64',
    round: 0,
    control: [],
    controlOutcomes: [],
    facts,
    now: () => 0,
    wallNow: () => Date.now(),
    sleep: async () => {},
    visit,
    track: () => {},
    onEnd: () => {},
    onDisarm: (work) => disarming.push(work),
  };
  return { context, facts, disarm: () => disarming.forEach((work) => void work()) };
}

const call: InterceptedCall = {
  ase: 'granite',
  operation: 'get-wallet-address',
  params: {},
  url: receiver,
  exchange: { method: 'GET', rawTarget: '/bob', targetUri: receiver, rawHeaders: [], body: Buffer.alloc(0) },
  token: undefined,
  body: undefined,
};

const document = { id: receiver, authServer: 'https://localhost:1/auth/' };

test('P30 notices a request in clear text', async () => {
  const { context, facts, disarm } = createContext();
  try {
    const { answer } = await tlsTraps.P30.set(context);
    const reply = await answer(call, async () => ({ status: 200, body: document }));
    assert.ok(typeof reply !== 'string');
    reply.onSent!(true);
    assert.deepEqual([reply.status, facts.reached.length, facts.forbidden()], [302, 1, undefined]);
    const location = new URL(reply.headers!['Location']!);
    assert.deepEqual([location.protocol, location.pathname], ['http:', '/bob']);
    location.hostname = '127.0.0.1';
    const [response] = await once(getPlain(location, { agent: false }), 'response');
    response.resume();
    assert.match(facts.forbidden()!.detail, /clear text/);
  } finally {
    disarm();
  }
});

test('P49 is reached by a client that rejects the certificate, and notices one that does not', async () => {
  const { context, facts, disarm } = createContext();
  try {
    const { answer } = await tlsTraps.P49.set(context);
    const reply = await answer(call, async () => ({ status: 200, body: document }));
    const { authServer } = (reply as { body: typeof document }).body;
    const endpoint = new URL(authServer);
    assert.equal(endpoint.pathname, '/auth/');
    const options = { host: '127.0.0.1', servername: 'localhost', agent: false, port: endpoint.port };
    const [error] = await once(getSecure({ ...options, rejectUnauthorized: true }), 'error');
    assert.match(error.code, /UNABLE_TO_VERIFY|SELF_SIGNED/);
    assert.equal(facts.forbidden(), undefined);
    const [response] = await once(getSecure({ ...options, rejectUnauthorized: false }), 'response');
    response.resume();
    assert.ok(facts.reached.length > 0);
    assert.match(facts.forbidden()!.detail, /could not verify/);
  } finally {
    disarm();
  }
});
