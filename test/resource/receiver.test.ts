/** Reading receivers of other ASEs, whatever they respond (RS-Q-14, RS-Q-20). */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { WorldClock } from '../../src/clock.ts';
import type { Database } from '../../src/database/database.ts';
import { Problem } from '../../src/errors.ts';
import { OutboundError, type OutboundRequest, type OutboundResponse } from '../../src/net/outbound.ts';
import type { Receiver } from '../../src/payments/receiver.ts';
import { createReceiverReader, getPayableReceiver } from '../../src/resource/receiver.ts';

const url = 'https://marble.example/incoming-payments/1';
const authServer = 'https://auth.marble.example/';
const { privateKey } = generateKeyPairSync('ed25519');
const eur = (value: string) => ({ value, assetCode: 'EUR', assetScale: 2 });
const fullView = {
  id: url,
  walletAddress: 'https://marble.example/bob',
  completed: false,
  incomingAmount: eur('1000'),
  receivedAmount: eur('100'),
  expiresAt: '2026-03-02T00:00:00Z',
  createdAt: '2026-03-01T00:00:00Z',
  methods: [{ type: 'ilp', ilpAddress: 'test.marble.abc', sharedSecret: Buffer.alloc(32, 1).toString('base64url') }],
};
const wallet = {
  id: fullView.walletAddress,
  assetCode: 'EUR',
  assetScale: 2,
  authServer,
  resourceServer: 'https://marble.example',
};
const grantOf = (value: string, more: object = {}) => ({
  access_token: {
    value,
    manage: `${authServer}token/1`,
    access: [{ type: 'incoming-payment', actions: ['read-all'] }],
    ...more,
  },
  continue: { access_token: { value: 'c' }, uri: `${authServer}continue/1`, wait: 0 },
});

interface Answers {
  public?: unknown | ((url: string) => unknown);
  grant?: (n: number) => unknown;
  full?: (token: string) => unknown;
  wallet?: unknown;
  /** Origins of servers with public addresses. */
  publicOrigins?: readonly string[];
}

/** Starts a reader with a stub of another ASE. A body is sent with status 200, a number is a status, an error is thrown. */
function startReader(answers: Answers = {}) {
  let wallNow = 1_000_000;
  let tokens = 0;
  const requests: (OutboundRequest & { kind: 'public' | 'grant' | 'full' | 'wallet' })[] = [];
  const respond = (request: OutboundRequest): unknown => {
    const authorization = request.headers?.['authorization'];
    const isWallet = request.url === fullView.walletAddress;
    const kind = request.method === 'POST' ? 'grant' : authorization ? 'full' : isWallet ? 'wallet' : 'public';
    requests.push({ ...request, kind });
    if (kind === 'wallet') return answers.wallet ?? wallet;
    if (kind === 'public' && typeof answers.public === 'function') return answers.public(request.url);
    if (kind === 'public') return answers.public ?? { authServer, receivedAmount: eur('100') };
    if (kind === 'grant') return (answers.grant ?? ((n) => grantOf(`token-${n}`, { expires_in: 600 })))(++tokens);
    return (answers.full ?? (() => fullView))(authorization!.slice('GNAP '.length));
  };
  const outbound = {
    async request(request: OutboundRequest): Promise<OutboundResponse> {
      const answer = respond(request);
      if (answer instanceof Error) throw answer;
      const [status, body] = typeof answer === 'number' ? [answer, '{}'] : [200, answer];
      return {
        status,
        isPublic: answers.publicOrigins?.includes(new URL(request.url).origin) ?? false,
        headers: {},
        body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      };
    },
  };
  const read = createReceiverReader({
    ase: 'granite',
    db: {} as Database,
    clock: new WorldClock(() => wallNow),
    resourceServer: 'https://granite.example',
    outbound,
    clientOf(server) {
      const keyid = new URL(server).hostname;
      return { walletAddress: `https://granite.example/clients/${keyid}`, keyid, privateKey };
    },
  });
  const kinds = () => requests.map(({ kind }) => kind).join(' ');
  return { read, requests, kinds, pass: (ms: number) => (wallNow += ms) };
}

const rejects = (reading: Promise<unknown>, code: string) =>
  assert.rejects(reading, (error: unknown) => error instanceof Problem && error.code === code);

describe('a receiver at another ASE', () => {
  test('is read by public view, grant, full view and wallet address, of which grant and full view are signed', async () => {
    const { read, requests } = startReader();
    assert.deepEqual(await read(url), {
      url,
      asset: { code: 'EUR', scale: 2 },
      incomingAmount: 1000n,
      receivedAmount: 100n,
      completed: false,
      expiresAt: Date.parse('2026-03-02T00:00:00Z'),
      ilp: { address: 'test.marble.abc', sharedSecret: Buffer.alloc(32, 1) },
    });
    const [first, grant, full, last] = requests;
    assert.deepEqual(first, { url, kind: 'public' });
    assert.deepEqual(last, { url: fullView.walletAddress, publicOnly: false, kind: 'wallet' });
    assert.equal(grant!.url, authServer);
    assert.deepEqual(JSON.parse(grant!.body!.toString()), {
      access_token: { access: [{ type: 'incoming-payment', actions: ['read-all'] }] },
      client: 'https://granite.example/clients/auth.marble.example',
    });
    assert.match(grant!.headers!['signature-input']!, /"content-digest".*keyid="auth.marble.example"/);
    assert.match(full!.headers!['signature-input']!, /"authorization"/);
    assert.equal(full!.headers!['authorization'], 'GNAP token-1');
  });

  test('requires no new grant until the token expires', async () => {
    const { read, kinds, pass } = startReader();
    await read(url);
    pass(594_000);
    await read(url);
    assert.equal(kinds(), 'public grant full wallet full');
    pass(2_000);
    await read(url);
    assert.equal(kinds(), 'public grant full wallet full grant full wallet');
  });

  test('is invalid unless its wallet address names the same authorization server', async () => {
    for (const answer of [{ ...wallet, authServer: 'https://auth.other.example/' }, 404, 'no json', {}]) {
      await rejects(startReader({ wallet: answer }).read(url), 'invalid_receiver');
    }
    await rejects(startReader({ wallet: 503 }).read(url), 'receiver_unreachable');
    await startReader({ wallet: { ...wallet, authServer: authServer.slice(0, -1) } }).read(url);
  });

  test('is read with a token that no other resource server was shown (RFC 9635 §11.31)', async () => {
    const { read, requests } = startReader();
    for (const origin of ['https://marble.example', 'https://chalk.example', 'http://marble.example'])
      await read(`${origin}/incoming-payments/1`);
    const shown = requests.filter(({ kind }) => kind === 'full').map(({ headers }) => headers!['authorization']);
    assert.deepEqual(shown, ['GNAP token-1', 'GNAP token-2', 'GNAP token-3']);
  });

  test('is read with a key that no other authorization server knows (RFC 9635 §11.12)', async () => {
    const authServerOf = (receiver: string) => `https://auth.${new URL(receiver).hostname}/`;
    const { read, requests } = startReader({
      public: (receiver: string) => ({ authServer: authServerOf(receiver), receivedAmount: eur('100') }),
    });
    await read(url);
    await rejects(read('https://chalk.example/incoming-payments/1'), 'invalid_receiver');
    const signed = requests.filter(({ kind }) => kind === 'grant' || kind === 'full');
    assert.deepEqual(
      signed.map(({ kind, headers }) => [kind, /keyid="([^"]+)"/.exec(headers!['signature-input']!)![1]]),
      ['marble', 'chalk'].flatMap((ase) => ['grant', 'full'].map((kind) => [kind, `auth.${ase}.example`])),
    );
    assert.deepEqual(
      requests.flatMap(({ kind, body }) => (kind === 'grant' ? JSON.parse(body!.toString()).client : [])),
      ['https://granite.example/clients/auth.marble.example', 'https://granite.example/clients/auth.chalk.example'],
    );
  });

  test('leads to public addresses only if it has one', async () => {
    for (const isPublic of [true, false]) {
      const { read, requests } = startReader({ publicOrigins: isPublic ? ['https://marble.example'] : [] });
      await read(url);
      const [first, ...following] = requests;
      assert.equal(first!.publicOnly, undefined);
      for (const { kind, publicOnly } of following) assert.equal(publicOnly, isPublic, kind);
    }
  });

  test('requires one grant for concurrent reads', async () => {
    const { read, requests } = startReader();
    await Promise.all([read(url), read(url), read(url)]);
    assert.equal(requests.filter(({ kind }) => kind === 'grant').length, 1);
  });

  for (const status of [401, 403]) {
    test(`gets one new token if the old one is answered with ${status}`, async () => {
      const valid = new Set(['token-1']);
      const { read, kinds } = startReader({ full: (token) => (valid.has(token) ? fullView : status) });
      await read(url);
      valid.clear();
      valid.add('token-2');
      await read(url);
      assert.equal(kinds(), 'public grant full wallet full grant full wallet');
      valid.clear();
      // 401 may mean that the other ASE cannot fetch our keys at the moment; 403 is final.
      await rejects(read(url), status === 401 ? 'receiver_unreachable' : 'invalid_receiver');
      const fromTheBeginning = status === 401 ? '' : ' public full grant full';
      assert.equal(kinds(), `public grant full wallet full grant full wallet full grant full${fromTheBeginning}`);
    });
  }

  test('is read from its public view again if its authorization server has changed', async () => {
    const other = 'https://other.marble.example/';
    let named = authServer;
    const { read, kinds } = startReader({
      public: () => ({ authServer: named, receivedAmount: eur('100') }),
      full: (token) => (named === authServer || token === 'token-3' ? fullView : 403),
      get wallet() {
        return { ...wallet, authServer: named };
      },
    });
    await read(url);
    named = other;
    await read(url);
    assert.equal(kinds(), 'public grant full wallet full grant full public grant full wallet');
  });

  test('is read from its public view again if it has moved to a public address, whose names must be public', async () => {
    const publicOrigins: string[] = [];
    const { read, requests } = startReader({ publicOrigins });
    await read(url);
    publicOrigins.push('https://marble.example');
    requests.length = 0;
    await read(url);
    assert.deepEqual(
      requests.map(({ kind, publicOnly }) => [kind, publicOnly]),
      [
        ['full', false],
        ['public', undefined],
        ['grant', true],
        ['full', true],
        ['wallet', true],
      ],
    );
  });

  test('is invalid if it rejects even a new token', async () => {
    const { read, kinds } = startReader({ full: () => 403 });
    await rejects(read(url), 'invalid_receiver');
    assert.equal(kinds(), 'public grant full grant full');
  });

  test('is read again after a failed grant request', async () => {
    let works = false;
    const { read } = startReader({ grant: () => (works ? grantOf('t') : 503) });
    await rejects(read(url), 'receiver_unreachable');
    works = true;
    assert.equal((await read(url)).receivedAmount, 100n);
  });

  test('may be reachable later if its authorization server rejects us, which may lack our keys', async () => {
    for (const status of [400, 401]) {
      await rejects(startReader({ grant: () => status }).read(url), 'receiver_unreachable');
    }
  });

  test('may be reachable later', async () => {
    for (const answer of [500, 503, 429, new OutboundError('timeout', ''), new OutboundError('connect', '')]) {
      await rejects(startReader({ public: answer }).read(url), 'receiver_unreachable');
      await rejects(startReader({ grant: () => answer }).read(url), 'receiver_unreachable');
      await rejects(startReader({ full: () => answer }).read(url), 'receiver_unreachable');
    }
  });

  test('is invalid if a response is unusable', async () => {
    const blocked = new OutboundError('blocked_address', '');
    for (const answer of [404, 401, 'no json', '', [], null, { receivedAmount: eur('1') }, fullView, blocked]) {
      if (answer !== null) await rejects(startReader({ public: answer }).read(url), 'invalid_receiver');
    }
    const interactive = { interact: { redirect: 'https://x.example/', finish: 'f' }, continue: grantOf('').continue };
    const long = grantOf('a'.repeat(5_000));
    for (const answer of ['no json', {}, interactive, grantOf('a\r\nb: c'), grantOf(''), grantOf('ü'), long]) {
      await rejects(startReader({ grant: () => answer }).read(url), 'invalid_receiver');
    }
    for (const change of [
      { completed: true },
      { methods: [] },
      { methods: [{ type: 'card' }] },
      { methods: undefined },
      { incomingAmount: { ...eur('1'), assetCode: 'USD' } },
      { receivedAmount: eur('-1') },
      { receivedAmount: eur('18446744073709551616') },
      { incomingAmount: undefined, receivedAmount: { ...eur('1'), assetCode: '\0' } },
    ]) {
      await rejects(startReader({ full: () => ({ ...fullView, ...change }) }).read(url), 'invalid_receiver');
    }
    await rejects(startReader({ full: () => ({ authServer }) }).read(url), 'invalid_receiver');
  });

  test('is invalid if it names long URLs, which would be kept', async () => {
    const long = `https://marble.example/${'a'.repeat(3_000)}`;
    const { read, requests } = startReader({ public: { authServer: long, receivedAmount: eur('100') } });
    await rejects(read(url), 'invalid_receiver');
    assert.equal(requests.length, 1);
    const other = startReader({ full: () => ({ ...fullView, walletAddress: long }) });
    await rejects(other.read(url), 'invalid_receiver');
    assert.equal(other.kinds(), 'public grant full');
  });

  test('is not requested unless the URL is that of an incoming payment', async () => {
    const { read, requests } = startReader();
    for (const wrong of ['https://marble.example/bob', 'ftp://x/incoming-payments/1', 'incoming-payments/1', '']) {
      await rejects(read(wrong), 'invalid_receiver');
    }
    assert.deepEqual(requests, []);
  });
});

describe('a receiver', () => {
  const receiver: Receiver = {
    url,
    asset: { code: 'EUR', scale: 2 },
    incomingAmount: 10n,
    receivedAmount: 4n,
    completed: false,
    expiresAt: 1000,
    ilp: { address: 'test.marble.abc', sharedSecret: Buffer.alloc(32) },
  };
  const check = (change: Partial<Receiver>, businessNow = 999, canReach = true) =>
    getPayableReceiver(
      {
        readReceiver: async () => ({ ...receiver, ...change }),
        nextHop: () => (canReach ? { name: 'marble', maxPacketAmount: 100n } : undefined),
        clock: { businessNow: () => businessNow, wallNow: () => 0 },
      },
      url,
    );

  test('has the amount remaining that it still awaits', async () => {
    assert.equal((await check({})).remaining, 6n);
    assert.equal((await check({ incomingAmount: undefined })).remaining, undefined);
    assert.equal((await check({ ilp: undefined, localIncomingPaymentId: 'x' }, 999, false)).remaining, 6n);
  });

  test('cannot be paid if it is closed or unreachable', async () => {
    await rejects(check({ completed: true }), 'invalid_receiver');
    await rejects(check({ receivedAmount: 10n }), 'invalid_receiver');
    await rejects(check({}, 1000), 'invalid_receiver');
    await rejects(check({}, 999, false), 'invalid_receiver');
    await rejects(check({ ilp: undefined }), 'invalid_receiver');
  });
});
