/** Recorded exchanges: as received, explained, bounded, without secrets, and without an effect on any answer. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { printDescription } from '../../src/cli/explain-exchange.ts';
import type { DescribedExchange } from '../../src/grade/describe-exchange.ts';
import { createRecorder, type RecordableCall, recordExchange } from '../../src/http/recorded-exchange.ts';
import { createRequestTrace, type TracedExchange } from '../../src/http/request-trace.ts';
import { type RequestParts, send } from '../support/signed-fetch.ts';
import { type ClientEnvironment, clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let environment: ClientEnvironment;
before(async () => {
  world = await startWorld({ seed: 'records' });
  environment = clientEnvironment(world);
});
after(() => world.close());

async function control(of: TestWorld, path: string): Promise<{ status: number; body: DescribedExchange }> {
  const response = await fetch(of.controlUrl + path, { headers: { authorization: `Bearer ${of.controlToken}` } });
  return { status: response.status, body: (await response.json()) as DescribedExchange };
}

const lastId = (of: TestWorld): number => of.controls.listExchanges({ limit: 1 })[0]!.id;

/** The record of a grant request with these changes. */
async function explain(parts: Partial<RequestParts>): Promise<DescribedExchange> {
  const { authServer: url } = (await (await fetch(environment.walletAddress)).json()) as { authServer: string };
  const access = [{ type: 'quote', actions: ['create'] }];
  const body = { client: environment.client, access_token: { access } };
  await send(environment, { method: 'POST', url, body, ...parts });
  return (await control(world, `/exchanges/${lastId(world)}`)).body;
}

test('a correct request is shown as received, with the key set in which the key was found', async () => {
  const { request, response, signature, status } = await explain({ headers: { 'X-Extra': 'extra-value' } });
  assert.equal(status, 200);
  assert.match(request.line, /^POST \/\S* HTTP\/1\.1$/);
  assert.ok(request.headers.some(([name, value]) => name === 'x-extra' && value === '…(11)'));
  assert.equal(JSON.parse(request.body!).client, environment.client);
  assert.equal(Buffer.byteLength(request.body!), request.bytes);
  assert.match(JSON.parse(response!.body!).access_token.value, /^.{4}…\(\d+\)$/);
  assert.equal(signature.result, 'correct');
  assert.deepEqual(signature.key, { keyid: environment.keyId, source: `${environment.client}/jwks.json` });
});

test('a rejected request is explained, and printed with its mistake, key, bases and first difference', async () => {
  const exchange = await explain({
    spoil(headers) {
      headers['content-type'] = 'application/json; charset=utf-8';
    },
  });
  const { signature, refusal } = exchange;
  assert.deepEqual([signature.result, refusal?.reason], ['explained', 'signature_mismatch']);
  assert.deepEqual(
    signature.mistakes.map(({ name }) => name),
    ['content-type-other'],
  );
  const text = printDescription(exchange);
  for (const part of [
    `exchange ${exchange.id} `,
    'the signature is not correct, for this reason',
    'signature_mismatch: ',
    'content-type-other: The client signed another Content-Type than it sent.',
    `key ${environment.keyId} from ${environment.client}/jwks.json`,
    '"content-type": application/json; charset=utf-8\n',
    'signed by the client (text)',
    'expected 3b, signed 0a',
  ])
    assert.ok(text.includes(part), `${part} is not in ${text}`);
});

test('requests for no operation, and those whose content cannot be read, are recorded too', async () => {
  const { client } = environment;
  const { authServer, resourceServer } = (await (await fetch(client)).json()) as Record<string, string>;
  const seen: TracedExchange[] = [];
  const unsubscribe = world.controls.subscribeToExchanges((exchange) => seen.push(exchange));
  await fetch(`${client}jwks.json`);
  await fetch(`${authServer}/interact/some-id/secret-nonce/more`, { method: 'POST', body: 'text' });
  await fetch(`${resourceServer}/quotes`, { method: 'PATCH' });
  await fetch(`${resourceServer}/quotes`, { method: 'OPTIONS' });
  await fetch(authServer!, { method: 'POST', body: Buffer.alloc(200 * 1024), headers: { 'x-a': 'b' } }).catch(() => {});
  unsubscribe();
  await fetch(client);
  assert.deepEqual(
    seen.map(({ summary, isBodyUnread }) => [summary.operation, summary.method, summary.status, isBodyUnread]),
    [
      ['get-wallet-address', 'GET', 404, false],
      ['unknown', 'POST', 404, true],
      ['unknown', 'PATCH', 405, false],
      ['preflight', 'OPTIONS', 204, false],
      ['post-request', 'POST', 413, true],
    ],
  );
  assert.ok(seen.every(({ receivedAt, answeredAt }) => answeredAt > receivedAt));
  assert.ok(seen[1]!.summary.target.endsWith('/interact/some-id/[redacted]/more'));
  assert.equal(seen[4]!.request.rawHeaders.find(([name]) => name === 'x-a')?.[1], 'b');
});

test('recording changes no answer: worlds with one seed send the same bytes with and without it', async () => {
  const answers = await Promise.all(
    [1000, 0].map(async (recordExchanges) => {
      await using other = await startWorld({ seed: 'same', recordExchanges });
      await other.controls.changeClock({ action: 'freeze' });
      await other.controls.changeClock({ action: 'set', time: Date.parse('2100-01-01T00:00:00Z') });
      const client = clientEnvironment(other);
      const ports = Object.fromEntries(
        (await other.controls.describeAses()).map(({ name, origin }) => [origin, `http://${name}`]),
      );
      const seen: string[] = [];
      const { authServer, resourceServer } = (await (await fetch(client.walletAddress)).json()) as Record<
        string,
        string
      >;
      const ask = async (parts: RequestParts) => {
        const { status, headers, text, body } = await send(client, parts);
        const fields = [...headers].filter(([name]) => name !== 'date');
        let shown = JSON.stringify([status, fields, text]);
        for (const [origin, name] of Object.entries(ports)) shown = shown.replaceAll(origin, name);
        seen.push(shown);
        return body;
      };
      const access = [{ type: 'incoming-payment', actions: ['create', 'read', 'list'] }];
      const grant = { method: 'POST', url: authServer!, body: { client: client.client, access_token: { access } } };
      const { access_token } = await ask(grant);
      await ask({ ...grant, body: '{' });
      await ask({ ...grant, spoil: (headers) => void Reflect.deleteProperty(headers, 'signature') });
      const url = `${resourceServer}/incoming-payments`;
      const token = access_token.value;
      const payment = await ask({ method: 'POST', url, token, body: { walletAddress: client.walletAddress } });
      await ask({ method: 'GET', url: payment.id, token });
      await ask({ method: 'GET', url: payment.id, token: 'wrong' });
      assert.equal((await control(other, `/exchanges/${lastId(other)}`)).status, recordExchanges === 0 ? 404 : 200);
      return seen;
    }),
  );
  assert.equal(answers[0]!.length, 6);
  assert.deepEqual(answers[0], answers[1]);
});

test('a world that other machines can reach records nothing unless it is asked to', async () => {
  for (const recordExchanges of [undefined, 10]) {
    const exposed = { host: '0.0.0.0', insecure: true } as const;
    await using other = await startWorld(recordExchanges === undefined ? exposed : { ...exposed, recordExchanges });
    await fetch(clientEnvironment(other).walletAddress);
    assert.equal((await control(other, `/exchanges/${lastId(other)}`)).status, recordExchanges ? 200 : 404);
  }
});

const call = (body: string): RecordableCall => ({
  receivedAt: 0,
  answeredAt: 0,
  isBodyUnread: false,
  params: {},
  exchange: { method: 'POST', rawTarget: '/', targetUri: 'https://a/', rawHeaders: [], body: Buffer.from(body) },
});

test('records are bounded in number and in bytes, and do not change afterwards', () => {
  const recorder = createRecorder({ maxExchanges: 3, maxBytes: 1000 });
  const body = Buffer.from('before');
  recorder.keep(1, recordExchange({ ...call(''), exchange: { ...call('').exchange, body } }));
  body.write('after!');
  assert.equal(recorder.find(1)!.request.body.toString(), 'before');
  assert.throws(() => Object.assign(recorder.find(1)!, { receivedAt: 1 }), TypeError);
  for (let id = 2; id <= 5; id += 1) recorder.keep(id, recordExchange(call('')));
  const kept = () => [1, 2, 3, 4, 5, 6, 7, 8].filter((id) => recorder.find(id));
  assert.deepEqual(kept(), [3, 4, 5]);
  recorder.keep(6, recordExchange(call('x'.repeat(600))));
  recorder.keep(7, recordExchange(call('x'.repeat(600))));
  assert.deepEqual(kept(), [7]);
  recorder.keep(8, recordExchange(call('x'.repeat(2000))));
  assert.deepEqual(kept(), []);
});

test('without limits nothing is recorded', () => {
  const trace = createRequestTrace(() => 0);
  const finished = { ...call(''), operation: 'x', method: 'POST', target: '/', status: 200, milliseconds: 1 };
  trace.recordAt('granite')(finished);
  assert.equal(trace.find(1), undefined);
});

test('an exchange that is not recorded is not found', async () => {
  assert.equal((await control(world, '/exchanges/999999')).status, 404);
  assert.equal((await control(world, '/exchanges/x')).status, 400);
});
