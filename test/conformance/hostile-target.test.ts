/** A target that is slow, endless, broken or malicious: one sentence before the run, or failed checks; never a hang. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { checks } from '../../conformance/checks/index.ts';
import { type Check, runChecks } from '../../conformance/runner/check.ts';
import { describeError, UnexpectedAnswer } from '../../conformance/runner/evidence.ts';
import { checkSetUp, describeLoss } from '../../conformance/runner/preflight.ts';
import { createRun, newIdentity } from '../../conformance/runner/run.ts';
import type { Target } from '../../conformance/runner/target.ts';
import { loadOperations } from '../../conformance/runner/validation.ts';
import type { ExchangeLimits } from '../../conformance/steps/http-exchange.ts';
import { createRecorder } from '../../conformance/steps/signed-client.ts';
import { createAuthority, issueCertificate } from '../../src/net/x509.ts';

/** For an answer that does not come; for others the usual time is long enough on any machine. */
const short = { silenceMs: 100, wholeMs: 100 };
const operations = await loadOperations();
const identity = newIdentity('key-1');
const servers: Server[] = [];
const sockets = new Set<Socket>();

after(() => {
  for (const server of servers) server.close();
  for (const socket of sockets) socket.destroy();
});

async function start(server: Server): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

type Answerer = (res: ServerResponse, req: IncomingMessage) => void;

const targetAt = (origin: string): Target => ({
  ...{ walletAddress: `${origin}/alice`, receiver: `${origin}/bob`, client: `${origin}/app`, identity },
  ...{ consent: { kind: 'automatic' }, reachesLocalServers: false },
});

const send =
  (body: unknown, headers: Record<string, string> = {}): Answerer =>
  (res) =>
    void res.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

/** Chunks without end, as fast as the client reads. */
function flood(res: ServerResponse): void {
  const chunk = Buffer.alloc(2 ** 18, ' ');
  const more = (): void => {
    while (!res.destroyed && res.write(chunk));
  };
  res.on('drain', more);
  more();
}

/** A byte at a time: each resets a timer for idle connections. */
function drip(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'application/json' });
  const timer = setInterval(() => res.write(' '), 10);
  res.on('close', () => clearInterval(timer));
}

const nested = '['.repeat(200_000) + ']'.repeat(200_000);

/** Answers to every request, the sentence about the wallet address, and the time to wait for an answer. */
const answerers: Readonly<Record<string, readonly [Answerer, RegExp, ExchangeLimits?]>> = {
  'never answers': [() => {}, /cannot be reached \(no (whole )?answer within 100 ms\)$/, short],
  'answers without end': [flood, /cannot be reached \(the answer has more than 8388608 bytes\)$/],
  'answers a byte at a time': [drip, /cannot be reached \(no (whole )?answer within 100 ms\)$/, short],
  'redirects to itself': [
    (res, req) => void res.writeHead(302, { location: req.url! }).end(),
    /is unknown: the server answered 302$/,
  ],
  'answers a gzip bomb': [
    (res) => void res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(2 ** 24))),
    /no document with authServer and resourceServer: it is sent with the content coding gzip, which was not asked for$/,
  ],
  'answers a page': [
    (res) => void res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<h1>Welcome</h1>'),
    /no document with authServer and resourceServer: its content type is text\/html$/,
  ],
  'answers huge headers': [
    (res) => void res.writeHead(200, { 'x-large': 'x'.repeat(40_000) }).end(),
    /cannot be reached \(HPE_HEADER_OVERFLOW\)$/,
  ],
  'answers deeply nested JSON': [
    (res) => void res.writeHead(200, { 'content-type': 'application/json' }).end(nested),
    /no document with authServer and resourceServer$/,
  ],
  'switches protocols': [
    (res) => void res.writeHead(101, { connection: 'upgrade', upgrade: 'websocket' }).end(),
    /cannot be reached \(the server switches to another protocol\)$/,
  ],
  'closes the connection': [(res) => void res.destroy(), /cannot be reached \(ECONNRESET\)$/],
  'answers null': [send(null), /no document with authServer and resourceServer$/],
  'names scripts as servers': [
    send({ authServer: 'javascript:alert(1)', resourceServer: 'file:///etc/passwd' }),
    /names an authServer that is not an http or https URL$/,
  ],
  'names a server that would clear the terminal': [
    send({ authServer: 'http://127.0.0.1:1/\u001b[2J', resourceServer: 'http://127.0.0.1:1/' }),
    /^the authServer http:\/\/127\.0\.0\.1:1\/\\u\{1b\}\[2J of the wallet address \S+ cannot be reached \(ERR_UNESCAPED_CHARACTERS\)$/,
  ],
  'names a closed port as a server': [
    send({ authServer: 'http://127.0.0.1:1/', resourceServer: 'http://127.0.0.1:1/' }),
    /^the authServer http:\/\/127\.0\.0\.1:1\/ of the wallet address \S+ cannot be reached \(ECONNREFUSED\)$/,
  ],
  'has another time': [
    send({ authServer: 'http://a.example', resourceServer: 'http://a.example' }, { date: new Date(0).toUTCString() }),
    /^the clock of 127\.0\.0\.1:\d+ is \d+ s off the clock of this machine$/,
  ],
};

describe('before the first check, one sentence says what is wrong with a target that', () => {
  for (const [name, [answerer, sentence, limits]] of Object.entries(answerers)) {
    test(name, async () => {
      const port = await start(createServer((req, res) => answerer(res, req)));
      await assert.rejects(checkSetUp(targetAt(`http://127.0.0.1:${port}`), limits), ({ message }: Error) => {
        assert.match(message, sentence);
        assert.match(message, /^the (wallet address http|authServer|clock)/);
        return true;
      });
    });
  }

  test('has a certificate that no known authority issued', async () => {
    const now = Date.now();
    const port = await start(createTlsServer(issueCertificate(createAuthority(now), ['localhost'], now), () => {}));
    const target = targetAt(`https://localhost:${port}`);
    await assert.rejects(checkSetUp(target), /cannot be reached \(\w+; --ca FILE accepts a private/);
  });

  test('does not speak HTTP', async () => {
    const port = await start(createTcpServer((socket) => void socket.end('SSH-2.0-OpenSSH_9.9\r\n')));
    await assert.rejects(checkSetUp(targetAt(`http://127.0.0.1:${port}`)), /cannot be reached \(HPE_\w+\)$/);
  });

  test('has a key set that is none', async () => {
    for (const keys of [{}, { keys: 5 }, { keys: [null] }, []]) {
      const port: number = await start(
        createServer((req, res) => {
          const origin = `http://127.0.0.1:${port}`;
          send(req.url!.endsWith('jwks.json') ? keys : { authServer: origin, resourceServer: origin })(res, req);
        }),
      );
      await assert.rejects(checkSetUp(targetAt(`http://127.0.0.1:${port}`)), /^Error: the key set \S+ (is not|has no)/);
    }
  });
});

describe('the checks fail, each in time and with a reason, on a target that passes the set-up and then', () => {
  const areas = [
    'quote.fixed-send',
    'grant.incoming-payment',
    'interaction.hash',
    'list.pages',
    'declared.post-request-200',
  ];
  const some = areas.map((id) => checks.find((check) => check.id.startsWith(id))!).filter(Boolean);
  for (const [name, [answerer, , limits]] of Object.entries(answerers)) {
    test(name, async () => {
      const port: number = await start(
        createServer((req, res) => {
          const origin = `http://127.0.0.1:${port}`;
          const wallet = { assetCode: 'USD', assetScale: 2, authServer: `${origin}/auth`, resourceServer: origin };
          if (req.method === 'GET' && /^\/(alice|bob|app)$/.test(req.url!))
            send({ id: origin + req.url, ...wallet })(res, req);
          else answerer(res, req);
        }),
      );
      const options: { limits: ExchangeLimits } = { limits: {} };
      const run = await createRun(targetAt(`http://127.0.0.1:${port}`), operations, options);
      options.limits = limits ?? {};
      const results = await runChecks(some, run.contextFor);
      await run.close();
      for (const { id, failure } of results.filter((result) => some.some((check) => check.id === result.id))) {
        assert.ok(failure, `${id} fails`);
        assert.notEqual(failure.message, '');
        assert.ok((failure.answer?.bytes.length ?? 0) < 100_000, `${id} keeps a long answer`);
      }
    });
  }
});

const checkOf = (id: string, run: Check['run']): Check => ({ id, rows: ['WA-01'], title: id, run });

test('a check that does not end fails, and sends nothing afterwards', async () => {
  const recorder = createRecorder();
  const endless = checkOf('endless', () => new Promise(() => {}));
  const [result] = await runChecks(
    [endless],
    () => ({ context: {} as never, recorder }),
    () => {},
    undefined,
    undefined,
    20,
  );
  assert.equal(result!.failure?.message, 'the check did not end within 0.02 s');
  assert.equal(recorder.isOver, true);
});

test('ten checks in a row without an answer end the run, although the wallet address answers', async () => {
  const port = await start(createServer((req, res) => send({})(res, req)));
  const target = targetAt(`http://127.0.0.1:${port}`);
  const silent = [...Array(30).keys()].map((index) =>
    checkOf(`silent-${index}`, async () => {
      throw new Error('no answer');
    }),
  );
  const losses: (string | undefined)[] = [];
  const results = await runChecks(
    silent,
    () => {
      const recorder = createRecorder();
      recorder.unanswered = { method: 'GET', url: target.walletAddress, headers: [], body: undefined };
      return { context: {} as never, recorder };
    },
    () => {},
    undefined,
    async (_id, inARow) => {
      losses.push(await describeLoss(target, inARow));
      return losses.at(-1) === undefined;
    },
  );
  assert.deepEqual(losses, [...Array(9).fill(undefined), '10 checks in a row had no answer']);
  assert.equal(results.length, 10);
});

test('the report keeps the beginning of a long answer', () => {
  const sent = { method: 'GET', url: 'http://a.example', headers: [], body: undefined };
  const bytes = Buffer.alloc(2 ** 20, 'x');
  const answer = { status: 200, headers: new Headers(), bytes, text: `${bytes}`, body: undefined, sent, at: 0 };
  const unexpected = new UnexpectedAnswer('wrong', answer, { expected: 201, actual: 200 });
  const kept = describeError(unexpected, createRecorder()).answer!;
  assert.match(kept.text, /^x{65536}… \(1048576 bytes\)$/);
  assert.equal(kept.bytes.length, Buffer.byteLength(kept.text));
});
