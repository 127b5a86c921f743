/**
 * CPU per request, compared with a bare Express program that answers the same number of bytes in the same run on the
 * same machine. Compare the ratio between runs, not the times. `node bench/main.ts [--requests N]`
 */
import { createPrivateKey } from 'node:crypto';
import { Agent, createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import express from 'express';
import { signRequest } from '../src/http/signatures/sign.ts';
import { prepareResources } from '../test/support/prepared-resources.ts';
import { clientEnvironment, startWorld } from '../test/support/world.ts';

const { values } = parseArgs({ options: { requests: { type: 'string', default: '1000' } } });
const requests = Number(values.requests);
const agent = new Agent({ keepAlive: true, maxSockets: 4 });

interface Prepared {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body?: Buffer;
}

const call = ({ method, url, headers, body }: Prepared): Promise<{ status: number; bytes: number }> =>
  new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, agent, headers }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () => resolve({ status: response.statusCode!, bytes }));
    });
    sent.on('error', reject);
    sent.end(body);
  });

/** CPU time per request in microseconds, client and server together; both sides of a ratio include the client. */
async function measure(prepare: () => Prepared): Promise<number> {
  // Requests are signed beforehand, because signing is not the server's work.
  const batch = Array.from({ length: requests }, prepare);
  for (const one of batch.slice(0, Math.min(100, requests))) await call(one);
  const before = process.cpuUsage();
  const queue = batch.values();
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (const one of queue) {
        const { status } = await call(one);
        if (status >= 300) throw new Error(`${one.method} ${one.url}: ${status}`);
      }
    }),
  );
  const { user, system } = process.cpuUsage(before);
  return (user + system) / requests;
}

const postgres = process.env['TOUCHSTONE_TEST_POSTGRES'];
const world = await startWorld(
  postgres ? { database: { kind: 'postgresql', url: `${postgres}/touchstone_bench` } } : {},
);
const environment = clientEnvironment(world);
const prepared = await prepareResources(world, environment);
const key = { keyid: environment.keyId, privateKey: createPrivateKey(environment.privateKey) };

const plain = express().disable('x-powered-by').disable('etag');
plain.all('/:bytes', (req, res) => res.json({ filler: 'x'.repeat(Math.max(0, Number(req.params.bytes) - 13)) }));
const floor = createServer(plain).listen(0, '127.0.0.1');
await new Promise((resolve) => floor.once('listening', resolve));
const floorOrigin = `http://127.0.0.1:${(floor.address() as AddressInfo).port}`;

const signed = (method: string, url: string, token?: string, value?: unknown): (() => Prepared) => {
  const body = value === undefined ? undefined : Buffer.from(JSON.stringify(value));
  return () => {
    const headers = {
      ...(body && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `GNAP ${token}` }),
    };
    return {
      method,
      url,
      headers: signRequest({ method, url, headers, ...(body && { body }) }, key, Date.now()),
      ...(body && { body }),
    };
  };
};

const operations: Record<string, () => Prepared> = {
  'get-wallet-address': () => ({ method: 'GET', url: prepared.payer, headers: {} }),
  'get-incoming-payment (public)': () => ({ method: 'GET', url: prepared.incomingPayment, headers: {} }),
  'get-incoming-payment': signed('GET', prepared.incomingPayment, prepared.tokens.incoming),
  'get-quote': signed('GET', prepared.quote, prepared.tokens.quote),
  'create-incoming-payment': signed('POST', `${prepared.rs}/incoming-payments`, prepared.tokens.incoming, {
    walletAddress: prepared.payer,
  }),
  'post-request': signed('POST', prepared.auth, undefined, {
    client: environment.client,
    access_token: { access: [{ type: 'quote', actions: ['create'] }] },
  }),
};

console.log(`${requests} requests each, ${world.db.kind}, CPU of client and server together`);
console.log(`${'operation'.padEnd(32)} ${'µs'.padStart(7)} ${'floor µs'.padStart(9)} ${'ratio'.padStart(6)}`);
for (const [name, prepare] of Object.entries(operations)) {
  const { bytes } = await call(prepare());
  const { method, body, headers } = prepare();
  const bare = await measure(() => ({ method, url: `${floorOrigin}/${bytes}`, headers, ...(body && { body }) }));
  const ours = await measure(prepare);
  const columns = [ours.toFixed(0).padStart(7), bare.toFixed(0).padStart(9), (ours / bare).toFixed(1).padStart(6)];
  console.log(`${name.padEnd(32)} ${columns.join(' ')}`);
}
agent.destroy();
floor.close();
await world.close();
