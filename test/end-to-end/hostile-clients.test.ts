/**
 * Hostile clients against a whole world, threat by threat: each is refused in the format of its protocol, other clients
 * are served meanwhile, nothing changes in the database, and memory does not grow (RFC 9635 §11; AS-N01, AS-N12).
 * `test/net/listener.test.ts` tests the refusals of the listeners.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, type TestContext, test } from 'node:test';
import { assertGrowsLess, assertRefused, startAttackedWorld } from '../support/attacked-world.ts';
import { openRaw, splitAnswer } from '../support/raw-connection.ts';
import { type RequestParts, send } from '../support/signed-fetch.ts';

const attacked = startAttackedWorld();

const amount = { value: '1', assetCode: 'USD', assetScale: 2 };
const grantBody = (access: unknown = { type: 'quote', actions: ['create'] }) => ({
  client: attacked.environment.client,
  access_token: { access: [access].flat() },
});

const head = (...lines: string[]): string => [...lines, '', ''].join('\r\n');

describe('bodies', () => {
  /** Each server's answer to a POST with a body of megabytes. */
  const targets = () => [
    attacked.prepared.auth,
    `${attacked.prepared.rs}/quotes`,
    attacked.prepared.pending.continueUri,
  ];

  for (const [name, lengthLine, chunk] of [
    ['announced', 'Content-Length: 50000000', 'x'.repeat(65_536)],
    ['chunked', 'Transfer-Encoding: chunked', `10000\r\n${'x'.repeat(65_536)}\r\n`],
  ] as const) {
    test(`50 MB, ${name}: 413, and they are not kept`, async () => {
      await attacked.leavesNothing(async () => {
        for (const target of targets()) {
          const { pathname } = new URL(target);
          await assertGrowsLess(5_000_000, async () => {
            const raw = openRaw(target, head(`POST ${pathname} HTTP/1.1`, 'Host: a', lengthLine));
            for (let sent = 0; sent < 760 && !raw.socket.destroyed; sent++) {
              if (!raw.socket.write(chunk))
                await new Promise((resume) => raw.socket.once('drain', resume).once('close', resume));
            }
            const answer = splitAnswer(await raw.closed);
            assertRefused({ status: answer.status, text: answer.body }, 413);
          });
        }
      });
    });
  }

  test('bodies that come slowly: 400 after the time that bodies have', async (t: TestContext) => {
    const paths = ['/auth/', '/quotes'];
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const slow = paths.map((path) => {
      const raw = openRaw(attacked.prepared.auth);
      raw.socket.write(head(`POST ${path} HTTP/1.1`, 'Host: a', 'Content-Length: 10', 'Expect: 100-continue'));
      return raw;
    });
    for (const raw of slow) {
      await raw.received(/100 Continue/);
      raw.socket.write('{');
    }
    await attacked.isServed();
    t.mock.timers.tick(10_000);
    for (const { closed } of slow) {
      const { status, body } = splitAnswer((await closed).replace(/^HTTP\/1.1 100 Continue\r\n\r\n/, ''));
      assertRefused({ status, text: body }, 400);
      assert.match(body, /no whole body/);
    }
  });

  test('a content coding is not undone: a bomb stays closed', async () => {
    await attacked.leavesNothing(async () => {
      for (const [url, expected] of [
        [attacked.prepared.auth, 400],
        [`${attacked.prepared.rs}/quotes`, 415],
      ] as const) {
        const headers = { 'content-encoding': 'gzip' };
        assertRefused(
          await send(attacked.environment, { method: 'POST', url, body: '\x1f\x8b\x08', headers }),
          expected,
        );
      }
    });
  });
});

/** Copies of the body with one value replaced in each, and the path of that value. */
function* spoil(value: unknown, bad: readonly unknown[], path = ''): Generator<[where: string, spoilt: unknown]> {
  if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      for (const [where, spoilt] of spoil(member, bad, `${path}.${name}`)) {
        const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
        copy[name] = spoilt;
        yield [where, copy];
      }
    }
    return;
  }
  for (const one of bad) {
    yield [path, one];
    if (typeof value === 'string' && typeof one === 'string' && one.length < 100) yield [path, value + one];
  }
}

describe('JSON', () => {
  const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  const operations = (): Record<string, RequestParts & { body: Record<string, unknown> }> => ({
    'post-request': {
      method: 'POST',
      url: attacked.prepared.auth,
      body: {
        ...grantBody({
          type: 'outgoing-payment',
          actions: ['create'],
          identifier: attacked.prepared.payer,
          limits: {
            receiver: attacked.prepared.incomingPayment,
            debitAmount: amount,
            interval: 'R/2026-01-01T00:00:00Z/P1M',
          },
        }),
        interact: { start: ['redirect'], finish: { method: 'redirect', uri: 'http://localhost:1/', nonce: 'n' } },
      },
    },
    'post-continue': {
      method: 'POST',
      url: attacked.prepared.grant.continueUri,
      token: attacked.prepared.grant.continueToken,
      body: { interact_ref: randomUUID() },
    },
    'create-incoming-payment': {
      method: 'POST',
      url: `${attacked.prepared.rs}/incoming-payments`,
      token: attacked.prepared.tokens.incoming,
      body: { walletAddress: attacked.prepared.payer, incomingAmount: amount, expiresAt: '2020-01-01T00:00:00Z' },
    },
    'create-quote': {
      method: 'POST',
      url: `${attacked.prepared.rs}/quotes`,
      token: attacked.prepared.tokens.quote,
      body: {
        walletAddress: attacked.prepared.payer,
        receiver: attacked.prepared.incomingPayment,
        method: 'card',
        debitAmount: amount,
      },
    },
    'create-outgoing-payment': {
      method: 'POST',
      url: `${attacked.prepared.rs}/outgoing-payments`,
      token: attacked.prepared.tokens.outgoing,
      body: { walletAddress: attacked.prepared.payer, quoteId: `${attacked.prepared.rs}/quotes/${randomUUID()}` },
    },
  });

  const bad = [
    '\0',
    '\ud800',
    '\udc00x',
    '__proto__',
    'x'.repeat(80_000),
    '\u202e',
    1e308,
    -1,
    2 ** 53,
    0.1,
    null,
    {},
    [],
  ];

  for (const name of [
    'post-request',
    'post-continue',
    'create-incoming-payment',
    'create-quote',
    'create-outgoing-payment',
  ]) {
    test(`${name}: invalid Unicode, NUL, long text and strange numbers never cause a server failure`, async () => {
      const { body, ...parts } = operations()[name]!;
      let tried = 0;
      for (const [where, spoilt] of spoil(body, bad)) {
        const answer = await send(attacked.environment, { ...parts, body: spoilt });
        assert.ok(answer.status < 500, `${where}: ${answer.status} ${answer.text}`);
        tried += 1;
      }
      assert.ok(tried > 10);
      await attacked.isServed();
    });

    test(`${name}: fifty thousand levels, members twice, byte order marks, other encodings`, async () => {
      const { body, ...parts } = operations()[name]!;
      const [first = ''] = Object.keys(body);
      const text = JSON.stringify(body);
      await attacked.leavesNothing(async () => {
        for (const raw of [
          deep(50_000),
          text.replace(/^\{/, `{"surplus":${deep(20_000)},"${first}":1,`).replace(/\}$/, `,"${first}":[]}`),
          text.replace(/\}$/, `,"${first}":${deep(40_000)}}`),
          `${text.slice(0, -1)},"${first}":${'9'.repeat(50_000)}}`,
          `\ufeff${text}`,
          `${text}${text}`,
          `{"__proto__":${text}}`,
        ]) {
          const answer = await send(attacked.environment, { ...parts, body: raw });
          assertRefused(answer, 400, ...(name === 'post-continue' ? [401, 404] : []));
        }
      });
      assert.equal(({} as Record<string, unknown>)[first], undefined);
    });
  }

  test('thousands of access items: refused or granted as one, in one answer', async () => {
    const access = Array.from({ length: 1500 }, (_, index) => ({
      type: 'outgoing-payment',
      actions: ['create'],
      identifier: `${attacked.prepared.payer}-${index}`,
    }));
    await attacked.leavesNothing(async () => {
      const answer = await send(attacked.environment, {
        method: 'POST',
        url: attacked.prepared.auth,
        body: { ...grantBody(access.slice(0, 900)), interact: { start: ['redirect'] } },
      });
      assertRefused(answer, 400);
      assert.ok(answer.text.length < 2_000, 'the answer does not grow with the question');
      assertRefused(
        await send(attacked.environment, { method: 'POST', url: attacked.prepared.auth, body: grantBody(access) }),
        413,
      );
    });
  });
});

describe('floods', () => {
  test('unknown continuations, tokens and ids: nothing is fetched, nothing stored', async () => {
    await attacked.leavesNothing(async () => {
      for (let index = 0; index < 50; index++) {
        const token = randomUUID();
        const url = `${attacked.prepared.auth}continue/${randomUUID()}`;
        assertRefused(await send(attacked.environment, { method: 'POST', url, token, body: {} }), 401, 404);
        assertRefused(
          await send(attacked.environment, { method: 'POST', url: `${attacked.prepared.auth}token/${token}`, token }),
          401,
          404,
        );
        assertRefused(
          await send(attacked.environment, { method: 'GET', url: `${attacked.prepared.rs}/quotes/${token}`, token }),
          401,
        );
      }
    });
  });

  test('nonces of signatures that do not verify are not remembered', async () => {
    await attacked.leavesNothing(async () => {
      for (let index = 0; index < 50; index++) {
        const spoilNonce = (headers: Record<string, string>): void => {
          headers['signature-input'] += `;nonce="${randomUUID()}"`;
        };
        const { quote: token } = attacked.prepared.tokens;
        assertRefused(
          await send(attacked.environment, { method: 'GET', url: attacked.prepared.quote, token, spoil: spoilNonce }),
          401,
        );
      }
    });
  });

  test('three hundred silent connections keep no other client out', async () => {
    const idle = Array.from({ length: 300 }, () =>
      openRaw(attacked.prepared.auth, 'POST /auth/ HTTP/1.1\r\nHost: a\r\n'),
    );
    await attacked.leavesNothing(async () => {});
    for (const { socket } of idle) socket.destroy();
    await Promise.all(idle.map(({ closed }) => closed));
  });

  test('requests whose targets fill their header: the list of exchanges stays small', async () => {
    const list = () => JSON.stringify(attacked.world.controls.listExchanges({ limit: 1000 })).length;
    const target = `${attacked.prepared.rs}/incoming-payments/${'a'.repeat(15_000)}`;
    for (let index = 0; index < 20; index++)
      assertRefused(await send(attacked.environment, { method: 'GET', url: target, signed: false }), 401, 404);
    assert.ok(list() < 1000 * 10_000);
    const [last] = attacked.world.controls.listExchanges({ limit: 1 });
    assert.ok(last!.target.length <= 4_001, 'cut');
  });
});
