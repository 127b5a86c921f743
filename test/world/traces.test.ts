/** Traces over OTLP: the spans of a payment as a collector receives them, and that no secret or person is in them. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { pino } from 'pino';
import { ConfigError } from '../../src/errors.ts';
import { startTracing } from '../../src/telemetry/otlp.ts';
import { inSpan } from '../../src/telemetry/spans.ts';
import { payAcross } from '../end-to-end/support/official-client.ts';
import { clientEnvironment, startWorld } from '../support/world.ts';

const silent = pino({ level: 'silent' });

interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, string | number> }[];
  readonly status: { readonly code: number };
}

interface Export {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly ReceivedSpan[] }[] }[];
}

/** Everything that an attribute can be. A value outside these patterns could be a secret. */
const attributes: Readonly<Record<string, RegExp>> = {
  'http.request.method': /^(GET|POST|DELETE|OPTIONS)$/,
  'http.route': /^\/([a-z.-]+|\{[a-zA-Z]+\}|\/)*$/,
  'http.response.status_code': /^[2-5]\d\d$/,
  'db.system.name': /^postgresql$/,
  'error.type': /^([A-Z][A-Za-z]{2,30}|[0-9A-Z]{5})$/,
  'touchstone.server': /^[a-z-]{4,40}$/,
  'touchstone.operation': /^[a-z-]{4,40}$/,
  'touchstone.payment.id': /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  'touchstone.payment.attempt': /^\d+$/,
  'touchstone.payment.outcome': /^(completed|failed|retry|handed-back)$/,
};

async function startCollector() {
  const exports: Export[] = [];
  const server = createServer(async (req, res) => {
    assert.equal(req.url, '/v1/traces');
    exports.push((await json(req)) as Export);
    res.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => exports.flatMap((each) => each.resourceSpans.flatMap((of) => of.scopeSpans.flatMap((at) => at.spans))),
    text: () => JSON.stringify(exports),
    close: () => void server.close(),
  };
}

test('without a collector nothing is traced, and a sampler that does not exist is a mistake', async () => {
  assert.equal(await startTracing({}, silent), undefined);
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
  assert.equal(await startTracing({ ...endpoint, OTEL_SDK_DISABLED: 'true' }, silent), undefined);
  await assert.rejects(
    startTracing({ ...endpoint, OTEL_TRACES_SAMPLER: 'sometimes' }, silent),
    /does not take sometimes/,
  );
});

for (const url of ['localhost:4318', 'not a url', '/v1/traces', 'grpc://localhost:4317']) {
  test(`${url} is not the URL of a collector`, async () => {
    const message = `OTEL_EXPORTER_OTLP_ENDPOINT takes a URL such as http://localhost:4318, not '${url}'`;
    await assert.rejects(startTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: url }, silent), new ConfigError(message));
  });
}

test('a collector that refuses is named once, and the end does not wait for one that does not answer', async () => {
  const unanswered = Promise.withResolvers<void>();
  let requests = 0;
  const server = createServer((_req, res) => {
    requests += 1;
    if (requests <= 2) res.writeHead(400).end();
    else if (requests === 3) res.end();
    else unanswered.resolve();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env['OTEL_BSP_SCHEDULE_DELAY'] = '1';
  const warnings: string[] = [];
  const stop = await startTracing(process.env, { warn: (message: string) => void warnings.push(message) } as never, 10);
  const trace = () => inSpan({ kind: 'internal', name: 'test', attributes: {} }, async () => {});
  while (requests < 4) {
    await trace();
    await turn();
  }
  await unanswered.promise;
  await stop!();
  server.closeAllConnections();
  server.close();
  delete process.env['OTEL_BSP_SCHEDULE_DELAY'];
  assert.equal(warnings.length, 1, 'one for two failures in a row, and none for the export that has not ended');
  assert.match(warnings[0]!, /^traces could not be exported: /);
});

test('a payment: spans of operations, transactions and attempts, without secrets or persons', async () => {
  const collector = await startCollector();
  await using world = await startWorld();
  // The exporter reads the variable by itself.
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = collector.url;
  const stop = await startTracing(process.env, silent);
  await payAcross(clientEnvironment(world));
  await fetch(`${clientEnvironment(world).receiver}-secret`);
  const violation = Object.assign(new Error('the account of alice is missing'), { code: '23503' });
  const failing = inSpan({ kind: 'internal', name: 'transaction', attributes: {} }, () => Promise.reject(violation));
  await assert.rejects(failing, violation);
  await world.settled();
  await stop!();
  collector.close();
  const spans = collector.spans();

  const named = (name: string) => spans.filter((span) => span.name === name);
  const creation = named('POST /outgoing-payments')[0]!;
  const attributeOf = ({ attributes }: ReceivedSpan, name: string) =>
    Object.values(attributes.find(({ key }) => key === name)?.value ?? {})[0];
  assert.equal(attributeOf(creation, 'touchstone.operation'), 'create-outgoing-payment');
  assert.equal(attributeOf(creation, 'http.response.status_code'), 201);
  const inCreation = named('transaction').filter(({ parentSpanId }) => parentSpanId === creation.spanId);
  assert.ok(inCreation.length > 0, 'its transactions are below it');
  assert.ok(inCreation.every(({ traceId }) => traceId === creation.traceId));
  assert.ok(named('transaction').some((span) => attributeOf(span, 'error.type') === '23503'));
  const attempts = named('outgoing payment');
  assert.ok(attempts.some((span) => attributeOf(span, 'touchstone.payment.outcome') === 'completed'));
  assert.ok(
    attempts.every(({ parentSpanId }) => !parentSpanId),
    'a payment begins a trace',
  );

  for (const span of spans) {
    assert.match(span.name, /^(transaction|outgoing payment|[A-Z]+ [^?]+)$/);
    for (const { key, value } of span.attributes) {
      assert.ok(attributes[key], `${key} is not an attribute that a span may have`);
      assert.match(String(Object.values(value)[0]), attributes[key], key);
    }
  }
  const wallets = world.definition.ases.flatMap(({ wallets }) => wallets);
  const persons = wallets.flatMap(({ path, publicName }) => [path, publicName ?? path]);
  for (const secret of [...world.secrets, ...persons]) assert.ok(!collector.text().includes(secret), secret);
});
