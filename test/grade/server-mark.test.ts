/** Clients cannot pass for a server of the world, whose requests are not judged. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { test } from 'node:test';
import type { Change } from '../../conformance/clients/broken/changes.ts';
import { runClient } from '../../conformance/clients/run.ts';
import { createServerMark } from '../../src/http/server-mark.ts';
import { serverUserAgent } from '../../src/net/outbound.ts';
import { clientEnvironment, startWorld } from '../support/world.ts';

const FIELD = 'touchstone-server';
const origins = new Set(['https://granite.example']);

test('the mark goes to servers of the world only, and is removed', () => {
  const mark = createServerMark(origins, 'secret-1');
  assert.deepEqual(mark.headersFor('https://client.example'), {});
  const [[name, value] = []] = Object.entries(mark.headersFor('https://granite.example'));
  const lines = [
    ['Accept', 'application/json'],
    [name!.toUpperCase(), value!],
  ] as const;
  assert.deepEqual(mark.remove(lines), { lines: lines.slice(0, 1), isMarked: true });
});

test('a wrong mark stays in the record, and so does that of another world', () => {
  const mark = createServerMark(origins, 'secret-1');
  const others = [
    createServerMark(origins, 'secret-2').headersFor('https://granite.example')[FIELD]!,
    '',
    'touchstone',
    '\0',
  ];
  for (const value of others) {
    const lines = [[FIELD, value]] as const;
    assert.deepEqual(mark.remove(lines), { lines, isMarked: false });
  }
});

test('processes with a secret in common know each other by it', () => {
  const [one, other, stranger] = ['secret-1', 'secret-1', 'secret-2'].map((secret) =>
    createServerMark(origins, secret),
  );
  const lines = Object.entries(one!.headersFor('https://granite.example'));
  assert.equal(other!.remove(lines).isMarked, true);
  assert.equal(stranger!.remove(lines).isMarked, false);
});

test('a client cannot pass for a server, to which the servers send a mark that no record and no client sees', async () => {
  await using world = await startWorld({ profile: 'strict', gradesAll: true });
  const { walletAddress: sender, receiver } = clientEnvironment(world);
  const disguise: Change = (client) => {
    client.isSigned = () => false;
    client.afterSigning = ({ headers }) => {
      headers.set('user-agent', serverUserAgent);
      headers.set(FIELD, 'A'.repeat(43));
    };
  };
  assert.match((await runClient({ sender, receiver, change: disguise }))!, /^status 4/);
  const { verdicts } = await world.controls.readRun!('');
  assert.equal(verdicts.find(({ id }) => id === 'CL-SIG-01')!.status, 'fail');

  const isMarked = new Map<string, boolean>();
  const note = (message: unknown): void => {
    const { request } = message as { request: ClientRequest };
    if (request.getHeader('user-agent') !== serverUserAgent) return;
    isMarked.set(`http://${request.getHeader('host')}`, request.hasHeader(FIELD));
  };
  let clientOrigin = '';
  const remember: Change = ({ server }) => {
    clientOrigin = server.origin;
  };
  subscribe('http.client.request.start', note);
  assert.equal(await runClient({ sender, receiver, change: remember }), undefined);
  unsubscribe('http.client.request.start', note);
  assert.equal(isMarked.get(clientOrigin), false, 'a server fetched the keys of the client');
  assert.equal(isMarked.get(new URL(receiver).origin), true, 'a server read the receiver');

  const records = world.controls.listExchanges({ limit: 1000 }).map(({ id }) => world.controls.findExchange(id)!);
  const fromServers = records.filter(({ request }) => request.isFromServer);
  assert.ok(fromServers.length > 0 && fromServers.length < records.length);
  assert.ok(fromServers.every(({ request }) => request.rawHeaders.every(([name]) => name.toLowerCase() !== FIELD)));
});
